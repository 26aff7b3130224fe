"""Files of keys: Parquet with a person's or a record's own identifier, what may stand beside it, and the keyed parts; no name, birthday or address.

The key stands in no file. A word made from it (`same_key`) does, so that files made with different keys are refused instead of linking nobody.
"""
from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from evaluation.errors import LinkageError
from evaluation.linkage.keys import FIELDS, VERSION, hashed_numbers, pseudonymised, same_key
from evaluation.runs.files import write_whole

ROSTER = {"person_id": True, "council_code": True, "joined": True, "index_date": False, "sought": False}      # column -> must be there
RECORDS = {"record_id": True, "of_person": False, "date": False}
METADATA = b"evaluation.linkage"
TRUE, FALSE = {"true", "1", "yes"}, {"false", "0", "no"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """A file of keys as read: its rows, and which key made it (a word that tells keys apart, not the key)."""

    path: Path
    rows: pd.DataFrame
    made_with: str

    @property
    def is_roster(self) -> bool:
        """Whether its rows are people of the roster; else they are records."""
        return "person_id" in self.rows


def make_key_file(clear: Path, out: Path, key: bytes) -> KeyFile:
    """Read names, birthdays and addresses, and write their keys; the clear file is left as it is.

    Raises
    ------
    LinkageError
        Columns or identifiers are missing or doubled. No value is shown.
    """
    people = read_clear(clear)
    wanted = ROSTER if "person_id" in people else RECORDS
    _check_columns(people, wanted, clear)
    kept = people[[column for column in wanted if column in people]].copy()
    if "joined" in kept:
        kept["joined"] = _booleans(kept["joined"], clear)
    if "of_person" in kept:
        kept["of_person"] = hashed_numbers(kept["of_person"], key)
    for column in {"index_date", "date"} & set(kept):
        kept[column] = pd.to_datetime(kept[column], format="%Y-%m-%d", errors="coerce").dt.date
    rows = pd.concat([kept, pseudonymised(people, key)], axis=1)
    _write(out, rows, f"{VERSION} {same_key(key)}")
    return KeyFile(path=out, rows=rows, made_with=same_key(key))


def read_key_file(path: Path) -> KeyFile:
    """A file that `make_key_file` wrote."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        version, made_with = table.schema.metadata[METADATA].decode().split()
    except (OSError, pa.ArrowInvalid, KeyError, TypeError):
        raise LinkageError(f"A file of keys must be one that `evaluation link keys` wrote: {path} is not. Make it, and name it here.") from None
    if version != VERSION:
        raise LinkageError(f"Keys must be of version {VERSION}: those of {path} are of version {version}. Make them again.")
    return KeyFile(path=path, rows=table.to_pandas(), made_with=made_with)


def read_clear(path: Path) -> pd.DataFrame:
    """Delivered names as text, from CSV or Parquet."""
    if not path.is_file():
        raise LinkageError(f"People to make keys of must be in a file: {path} is none. Name a CSV or Parquet file.")
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path).astype("str").where(lambda frame: ~frame.isin(["None", "nan", "NaT", "<NA>"]))
        return pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""], encoding="utf-8")
    except (ValueError, OSError) as error:      # the reader's own words may hold a value
        raise LinkageError(f"{path} must be a table in CSV (UTF-8) or Parquet and cannot be read as one ({type(error).__name__}). "
                           "Write it anew.") from None


def apart(key_file: Path | None, *others: Path) -> None:
    """Refuse a key that lies in the folder of the data or of the keys, or below it."""
    if key_file is None:
        return
    home = Path(key_file).resolve().parent
    for other in others:
        folder = Path(other).resolve()
        folder = folder if folder.is_dir() else folder.parent
        if home == folder or folder in home.parents:
            raise LinkageError(f"The linkage key must not be kept with the data: {key_file} lies in {folder}. Move it elsewhere.")


def write_table(path: Path, rows: pd.DataFrame, metadata: dict[bytes, bytes] | None = None) -> None:
    """Write Parquet, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(metadata), content)
    write_whole(path, content.getvalue())


def _write(path: Path, rows: pd.DataFrame, made_with: str) -> None:
    write_table(path, rows, {METADATA: made_with.encode()})


def _check_columns(people: pd.DataFrame, wanted: dict[str, bool], path: Path) -> None:
    missing = [column for column, must in wanted.items() if must and column not in people]
    fields = [field for field in FIELDS if field not in people]
    if missing or len(fields) > 2 or {"surname", "birth_date"} & set(fields):
        raise LinkageError(
            f"People to make keys of must have {', '.join(column for column, must in wanted.items() if must)} and surname, birth_date, first_name, "
            f"postcode, sex (of the last three, two may be missing): {path} lacks {', '.join([*missing, *fields])}. Rename or add columns.")
    name = next(iter(wanted))
    n_empty, n_double = int(people[name].isna().sum()), int(people[name].dropna().duplicated().sum())
    if n_empty or n_double:
        raise LinkageError(f"{name} must name each row: in {path} {n_empty:,} are empty and {n_double:,} stand twice. Mend the file.")


def _booleans(values: pd.Series, path: Path) -> pd.Series:
    words = values.fillna("").str.strip().str.lower()
    if not words.isin(TRUE | FALSE).all():
        raise LinkageError(f"joined must be true or false: in {path} {int((~words.isin(TRUE | FALSE)).sum()):,} are neither. Mend the file.")
    return words.isin(TRUE)
