"""ATT(g,t) and all its summaries against R `did`: 78 specifications stored with their calls (tests/reference/did)."""
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.models import GroupTimeATT
from evaluation.models.clusters import cluster_codes, covariance_of
from evaluation.models.inference import aggregate
from evaluation.models.summaries import average
from evaluation.periods import Periods
from tests.matching.panels import panel_of

FOLDER = Path(__file__).parents[1] / "reference" / "did"
ATT, SE = dict(rel=1e-9, abs=1e-12), dict(rel=1e-8, abs=1e-12)
SCORE = dict(rel=2e-7, abs=1e-9)        # with covariates R's logit stops at a relative change of 1e-8 of the deviance
KINDS = {"simple": "simple", "group": "cohort", "dynamic": "event", "calendar": "calendar"}
CELLS, SUMMARIES = (pd.read_csv(FOLDER / f"{name}.csv") for name in ("att_gt", "aggte"))
SPECS = pd.read_csv(FOLDER / "specs.csv", keep_default_na=False).set_index("spec")
OURS = [name for name, spec in SPECS.iterrows() if not (spec["observed"] in ("rcs", "unbalanced") and spec["x"] != "~1")]


def _long(name, open_data):
    if not name.startswith("mpdta"):
        long = pd.read_csv(FOLDER / "panel.csv")
        return long if name == "panel" else long[long["kept"] == 1]
    raw = pd.read_csv(open_data / "mpdta" / "mpdta.csv")
    long = pd.DataFrame({"unit": raw["countyreal"], "period": raw["year"], "cohort": raw["first.treat"], "council": raw["countyreal"] // 1000,
                         "x1": raw["lpop"], "w": np.exp(raw["lpop"]), "y": raw["lemp"]})
    return long if name == "mpdta" else long[long["cohort"] > 0]


@pytest.fixture(scope="module")
def panels(open_data):
    found = {}
    for name in sorted(set(SPECS["data"])):
        long = _long(name, open_data)
        wide, unit = long.pivot(index="unit", columns="period", values="y"), long.groupby("unit").first()
        first = int(long["period"].min())
        entry = np.where(unit["cohort"] > 0, unit["cohort"] - first, -1)
        columns = {column: unit[column].to_numpy() for column in ("x1", "x2", "w") if column in unit}
        found[name] = first, panel_of(entry, {"y": wide.to_numpy()}, ids=unit.index.astype(str), councils=unit["council"].astype(str),
                                      periods=Periods(kind="year", first=2000, last=2000 + wide.shape[1] - 1), **columns)
    return found


def _fitted(panels, name):
    spec = SPECS.loc[name]
    first, panel = panels[spec["data"]]
    x = tuple(part for part in spec["x"].lstrip("~").split("+") if part != "1")
    observed = {"panel": "pairs", "unbalanced": "rcs", "rcs": "rcs", "full": "full"}[spec["observed"]]
    estimator = GroupTimeATT(control={"nevertreated": "never", "notyettreated": "notyet"}[spec["control"]], base=spec["base"], covariates=x,
                             method=spec["method"] if x else "none", anticipation=int(spec["anticipation"]), weights=spec["weights"] or None,
                             observed=observed)
    return first, estimator.fit(panel, "y"), "council" if spec["clusters"] else "unit", dict(SCORE) if x else None


def _error(effects, cells, clusters):
    """Analytic standard error without a small-sample factor, as R gives it."""
    effects = effects.at((clusters,))
    part = average(effects, cells)
    code, rows = cluster_codes(effects, clusters), part.contribution[:, None]
    counts = np.full(1, 10**12)
    return float(np.sqrt(covariance_of(rows, [code], counts)[0, 0]))


@pytest.mark.parametrize("name", OURS)
def test_every_cell_equals_r_did(panels, name):
    first, effects, clusters, loose = _fitted(panels, name)
    cells = effects.cells
    compared = 0
    for row in CELLS[CELLS["spec"] == name].itertuples():
        here = ((cells["cohort"] == row.cohort - first) & (cells["period"] == row.period - first)).to_numpy()
        ours = cells[here].iloc[0]
        if not np.isfinite(row.se):                                  # the base, and cells that R could not estimate
            assert ours["status"] != "estimated"
            continue
        assert ours["status"] == "estimated"
        assert ours["estimate"] == pytest.approx(row.att, **(loose or ATT))
        if SPECS.loc[name, "observed"] != "rcs":                     # there R takes every observation for another unit
            assert _error(effects, here, clusters) == pytest.approx(row.se, **(loose or SE))
        compared += 1
    estimated = cells[cells["status"] == "estimated"]
    if "no_never" in name:                                           # R takes the last cohort for the never treated and drops its own cells before
        estimated = estimated[estimated["cohort"] < cells["cohort"].max()]
    assert compared == len(estimated) >= 6


@pytest.mark.parametrize("name", [name for name in OURS if SPECS.loc[name, "observed"] in ("panel", "full")])
def test_every_summary_equals_r_did(panels, name):
    """Not where units are missing: there R weights a cohort by its observations in all periods, ours by the treated units seen in the cell."""
    first, effects, clusters, loose = _fitted(panels, name)
    stored = SUMMARIES[SUMMARIES["spec"] == name]
    assert set(KINDS) <= set(stored["type"])
    for (kind, balance), rows in stored.groupby(["type", stored["balance_e"].fillna(-1)]):
        table, whole = aggregate(effects, KINDS[kind], clusters=clusters, errors="CR1", balanced=None if balance < 0 else int(balance))
        g = whole.n_clusters
        overall = rows[rows["egt"].isna()].iloc[0]
        assert whole.estimate == pytest.approx(overall["att"], **(loose or ATT)), (kind, balance)
        if whole.reason:                                             # ours refuses the error of one treated cluster
            assert whole.reason == "one treated cluster of councils gives no standard error"
            continue
        assert whole.std_error * np.sqrt((g - 1) / g) == pytest.approx(overall["se"], **(loose or SE)), (kind, balance)
        parts = table.set_index("value")
        for row in rows[rows["egt"].notna() & rows["se"].notna()].itertuples():
            if "no_never" in name and kind == "dynamic" and row.egt < 0:
                continue                                             # see above: ours has the last cohort's cells before, too
            value = int(row.egt) - (0 if kind == "dynamic" else first)
            assert parts.loc[value, "estimate"] == pytest.approx(row.att, **(loose or ATT)), (kind, balance, value)
