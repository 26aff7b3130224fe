"""The National Supported Work demonstration (LaLonde 1986, Dehejia and Wahba 1999): 445 people, and the PSID-1 and CPS-1 comparison groups.

Where the folder is missing the experiment and CPS-1 come from the PyPI package causaldata; PSID-1 has no such second source.
"""
from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

from evaluation.dictionary import Dictionary
from evaluation.errors import ContractError
from evaluation.ingest.published.opening import Delivery, find_file, require_columns

PART = "lalonde"
FILES = {"nsw_experiment": "nsw_dw_445.csv", "psid1": "psid1.csv", "cps1": "cps1.csv"}
COVARIATES = {"age": "age", "educ": "education", "black": "black", "hisp": "hispanic", "marr": "married", "nodeg": "no_degree"}
EARNINGS = {"re74": 1974, "re75": 1975, "re78": 1978}
CAUSALDATA = {"nsw_experiment": "nsw_mixtape", "cps1": "cps_mixtape"}


def read_participants(con: duckdb.DuckDBPyConnection, folder: Path, dictionary: Dictionary) -> Delivery:
    """One person per row: pool, whether treated, and what was known before."""
    files = _load(con, folder)
    covariates = ", ".join(f"{published} as {named}" for published, named in COVARIATES.items())
    con.execute(f"""
        create or replace table lalonde_participants as
        select person_id, pool, case trt when '1' then 'true' when '0' then 'false' else trt end as treated, {covariates}, _file, _row
        from lalonde_file""")
    return Delivery(table="participants", relation="lalonde_participants", files=files)


def read_earnings(con: duckdb.DuckDBPyConnection, folder: Path, dictionary: Dictionary) -> Delivery:
    """One person and year per row: real earnings in 1974, 1975 and 1978, in dollars."""
    files = _load(con, folder)
    parts = " union all ".join(f"select person_id, '{year}' as \"year\", {column} as earnings, _file, _row from lalonde_file"
                               for column, year in EARNINGS.items())
    con.execute(f"create or replace table lalonde_earnings as select * from ({parts}) order by person_id, \"year\"")
    return Delivery(table="earnings_year", relation="lalonde_earnings", files=tuple((path, rows * len(EARNINGS)) for path, rows in files))


def _load(con: duckdb.DuckDBPyConnection, folder: Path) -> tuple[tuple[Path, int], ...]:
    """All pools in one table of text; the files and their rows."""
    frames, files = [], []
    for pool, (path, frame) in (_from_folder(folder) if (Path(folder) / PART).is_dir() else _from_causaldata()).items():
        require_columns(path, frame.columns, ["trt", *COVARIATES, *EARNINGS])
        lines = pd.Series(range(2, len(frame) + 2), index=frame.index)
        frames.append(frame.assign(pool=pool, person_id=[f"{pool}-{line - 1:05d}" for line in lines], _file=path.name, _row=lines.astype(str)))
        files.append((path, len(frame)))
    con.register("lalonde_frame", pd.concat(frames, ignore_index=True)[["person_id", "pool", "trt", *COVARIATES, *EARNINGS, "_file", "_row"]])
    con.execute("create or replace table lalonde_file as select * from lalonde_frame")
    return tuple(files)


def _from_folder(folder: Path) -> dict[str, tuple[Path, pd.DataFrame]]:
    paths = {pool: find_file(folder, PART, name) for pool, name in FILES.items()}
    return {pool: (path, pd.read_csv(path, dtype=str, keep_default_na=False)) for pool, path in paths.items()}


def _from_causaldata() -> dict[str, tuple[Path, pd.DataFrame]]:
    """The experiment and CPS-1 from the package, written as the files write them."""
    try:
        import causaldata
    except ImportError:
        raise ContractError("The LaLonde data must lie in the folder lalonde/ of the open data, or come from the package causaldata: "
                            "neither is there. Mend it: `pip install causaldata`, or set EVALUATION_OPEN_DATA.") from None
    found = {}
    for pool, name in CAUSALDATA.items():
        path = next(path for path in sorted((Path(causaldata.__file__).parent / name).iterdir()) if path.stem == name)
        data = getattr(causaldata, name).load_pandas().data.rename(columns={"treat": "trt", "nodegree": "nodeg"})
        whole = data[["trt", *COVARIATES]].astype(int).astype(str)
        found[pool] = (path, whole.join(data[list(EARNINGS)].map(lambda value: f"{float(value):.7g}")))
    return found
