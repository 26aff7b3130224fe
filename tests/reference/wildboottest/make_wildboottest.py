"""p values by all sign patterns, by wildboottest: python make_wildboottest.py (in an environment that has it; run from this folder)."""
import numpy as np
import pandas as pd
from wildboottest.wildboottest import WildboottestCL

few = pd.read_csv("../clubsandwich/few.csv").assign(one=1.0)
few = few[few["set"] == 10]
rows = []
for terms in ("tc", "tc + x", "tu + x + z"):
    columns = ["one", *terms.split(" + ")]
    for impose in (True, False):
        restriction = (np.arange(len(columns)) == 1).astype(float)
        x, y, cluster = few[columns].to_numpy(float), few["y"].to_numpy(), few["cluster"].to_numpy()
        boot = WildboottestCL(X=x, Y=y, cluster=cluster, R=restriction, B=99_999, seed=1)
        boot.get_scores(bootstrap_type="11", impose_null=impose)
        boot.get_weights(weights_type="rademacher")
        for step in ("numer", "denom", "tboot", "vcov", "tstat"):
            getattr(boot, f"get_{step}")()
        boot.get_pvalue(pval_type="two-tailed")
        rows.append((terms, impose, boot.B, boot.pvalue))
pd.DataFrame(rows, columns=["terms", "impose", "draws", "p"]).to_csv("wildboottest.csv", index=False)
