"""Which person of the roster a record is of: splink's Fellegi-Sunter model on keyed parts, and the rules that families need on top of it.

A person may have many records; a record is of one person at most, so the people it may be of compete. Everything runs inside DuckDB in memory,
which is kept from files and from the network.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.errors import LinkageError
from evaluation.linkage.keys import PARTS
from evaluation.linkage.merging import merged, numbered

BLOCKS = (("born",), ("first_name", "surname"), ("names",), ("first_sound", "surname_sound", "born_month"), ("first_sound", "born_turned"),
          ("surname_sound", "born_day"), ("surname_sound", "born_year_day"), ("postcode", "first_sound"), ("postcode", "first_start"),
          ("postcode", "born_month"))
CERTAIN = (("first_name", "surname", "born"), ("first_formal", "surname", "born_month", "postcode"))
TRAINED_ON = (("born", "sex"), ("first_name", "surname"), ("surname", "postcode"))
FOUND_BY_CERTAIN = 0.7          # share of true pairs that agree in one of CERTAIN: only the start of the search for the prior
SAMPLED_PAIRS = 5e6
FEWEST = 100                    # records: fewer than that teach the model nothing
FEWEST_CERTAIN = 50
LEAST_WEIGHT = -10.0            # log2 odds below which a pair is not kept
WAYS = ("first_name", "born")   # a person is told from the others of the household by these two


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """For every record, the person it is most likely of.

    Attributes
    ----------
    best : DataFrame
        One row per record that is like somebody: `record` and `person` (row numbers), `probability` (that the record is of this person rather than of
        any other of the roster or of nobody in it), `weight` (log2 odds before competition) and `others` (people it is as good as).
    n_records, n_people : int
    parameters : DataFrame
        What the model learnt: comparison, level, m (share of true pairs at this level), u (share of other pairs); NaN where none was seen.
    """

    best: pd.DataFrame
    n_records: int
    n_people: int
    parameters: pd.DataFrame

    def linked(self, threshold: float) -> pd.DataFrame:
        """Rows of `best` whose probability reaches the threshold."""
        return self.best[self.best["probability"] >= check_threshold(threshold)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Linker:
    """A model of which parts agree between two mentions of one person, trained by EM without examples.

    Parameters
    ----------
    seed : int
        Of the pairs from which chance agreement is counted. One thread, so that the same files give the same links on the same machine.
    sampled_pairs : float
        How many such pairs.
    """

    seed: int = 20261124
    sampled_pairs: float = SAMPLED_PAIRS

    def fit(self, roster: pd.DataFrame, records: pd.DataFrame) -> Candidates:
        """Train on all records and find, for each, the person of the roster it is most likely of.

        Parameters
        ----------
        roster, records : DataFrame
            With the columns `PARTS` (`keys.pseudonymised`); a row of the roster is a person. Records of one source with one `of_person`, where these
            columns are there, are linked together (`merging`).

        Raises
        ------
        LinkageError
            The extra [linkage] is not installed, parts are missing, or there is too little to learn from.
        """
        splink = _splink()
        for name, frame in (("the roster", roster), ("the records", records)):
            _check(name, frame)
        number, there = numbered(records), _delivered(roster, records)
        con = _closed_room(roster, merged(records, number))
        _check_certain(con, there)
        api = splink.DuckDBAPI(connection=con)
        tables = [api.register(name, dataset_display_name=name) for name in ("roster", "records")]
        linker = splink.Linker(tables, _settings(splink, there), log_level="ERROR")
        self._train(linker, splink, there)
        pairs = linker.inference.predict(threshold_match_weight=LEAST_WEIGHT, warning_mode="never")
        best = _of_each_record(_competition(con, pairs.physical_name, there), number)
        return Candidates(best=best, n_records=len(records), n_people=len(roster), parameters=_parameters(linker))

    def _train(self, linker, splink, there: frozenset[str]) -> None:
        """How often parts agree by chance, by counting; how often for one person, by expectation and maximisation."""
        training = linker.training
        training.estimate_probability_two_random_records_match([splink.block_on(*rule) for rule in _within(CERTAIN, there)],
                                                               recall=FOUND_BY_CERTAIN)
        training.estimate_u_using_random_sampling(max_pairs=self.sampled_pairs, seed=self.seed, min_count_per_level=None)
        for rule in _within(TRAINED_ON, there):
            training.estimate_parameters_using_expectation_maximisation(splink.block_on(*rule))


def check_threshold(threshold: float) -> float:
    """A threshold of at least a half, so that a record is linked to one person at most."""
    if not 0.5 <= threshold < 1:
        raise LinkageError(f"A threshold must be at least 0.5 and below 1: it is {threshold}. Choose one, such as 0.95.")
    return threshold


def _splink():
    """The library, which is an extra of its own."""
    try:
        import splink
    except ImportError:
        raise LinkageError("Linking records needs the package splink, which is not installed. In the project's folder: "
                           ".venv/bin/python -m pip install --require-hashes -r requirements-dev.lock") from None
    return splink


def _check(name: str, frame: pd.DataFrame) -> None:
    missing = [part for part in PARTS if part not in frame]
    if missing:
        raise LinkageError(f"Keys must have the parts {', '.join(PARTS)}: {name} lack {', '.join(missing)}. Make them again: evaluation link keys.")
    if len(frame) < FEWEST:
        raise LinkageError(f"Linkage learns from the records and needs at least {FEWEST}: {name} have {len(frame)}. Link more at once.")


def _delivered(roster: pd.DataFrame, records: pd.DataFrame) -> frozenset[str]:
    """Parts that somebody has on both sides: a field that was not delivered is neither compared nor learnt from."""
    return frozenset(part for part in PARTS if roster[part].notna().any() and records[part].notna().any())


def _within(rules: Sequence[tuple[str, ...]], there: frozenset[str]) -> list[tuple[str, ...]]:
    """Rules without the parts that are not there."""
    kept = (tuple(part for part in rule if part in there) for rule in rules)
    return list(dict.fromkeys(rule for rule in kept if rule))


def _check_certain(con, there: frozenset[str]) -> None:
    """The model can only learn where some pairs surely are one person."""
    rule = _within(CERTAIN, there)[0]
    n = con.execute(f"SELECT count(*) FROM roster JOIN records USING ({', '.join(rule)})").fetchall()[0][0]
    if n < FEWEST_CERTAIN:
        raise LinkageError(f"Linkage learns from records that agree with the roster in {', '.join(rule)} and needs at least {FEWEST_CERTAIN}: "
                           f"{n} do. Look whether the records are of the same places and years, and whether names were written the same way.")


def _closed_room(roster: pd.DataFrame, records: pd.DataFrame):
    """A DuckDB in memory that holds both tables and can open neither a file nor a connection."""
    import duckdb

    con = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False, "threads": 1})
    for name, frame in (("roster", roster), ("records", records)):
        numbered = frame.loc[:, list(PARTS)].astype("str").assign(unique_id=np.arange(len(frame)))      # noqa: F841 (read by DuckDB)
        con.execute(f"CREATE TABLE {name} AS SELECT unique_id, {', '.join(PARTS)} FROM numbered ORDER BY unique_id")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


def _settings(splink, there: frozenset[str]):
    """The comparisons: from agreement in full, through agreement in a part, to none; a missing part counts neither way."""
    from splink.comparison_level_library import CustomLevel, ElseLevel, ExactMatchLevel
    from splink.comparison_library import CustomComparison

    def same(parts: str) -> CustomLevel:
        either = " OR ".join(f"{part}_l = {part}_r" for part in parts.split(" or "))
        return CustomLevel(either, label_for_charts=f"same {parts}")

    def missing(condition: str) -> CustomLevel:
        return CustomLevel(condition, label_for_charts="missing").configure(is_null_level=True)

    def comparison(name: str, *parts: str, frequencies: bool, unless: str = "false") -> CustomComparison:
        exact = ExactMatchLevel(name, term_frequency_adjustments=frequencies).configure(label_for_charts=f"same {name}")
        gap = missing(f"{name}_l IS NULL OR {name}_r IS NULL OR ({unless})")
        return CustomComparison([gap, exact, *(same(part) for part in parts), ElseLevel()], output_column_name=name)

    turned = "names_l = names_r AND surname_l <> surname_r"       # first name and surname in each other's place: counted once, under first names
    return splink.SettingsCreator(
        link_type="link_only", unique_id_column_name="unique_id", retain_matching_columns=True,
        blocking_rules_to_generate_predictions=[splink.block_on(*rule) for rule in BLOCKS if there.issuperset(rule)],
        comparisons=[one for one in (
            comparison("first_name", "names", "first_formal", "first_sound", "first_start or first_end", frequencies=True),
            comparison("surname", "surname_sound", "surname_start or surname_end", frequencies=True, unless=turned),
            comparison("born", "born_turned", "born_month", "born_year_day", "born_day", frequencies=False),
            comparison("postcode", "sector", frequencies=False),
            comparison("sex", frequencies=False),
        ) if one.create_output_column_name() in there])


def _competition(con, pairs: str, there: frozenset[str]) -> pd.DataFrame:
    """The best person for each record, with the probability that remains when everybody else it may be of is counted.

    With odds o(1), o(2), ... of a record's people, each against nobody, the record is of person j with probability o(j) / (1 + sum of o). Two people
    who fit it equally well, such as twins where the first name is missing, have less than a half each, and the record stays unlinked.
    """
    agree = " AND ".join(f"gamma_{way} <> 0" for way in WAYS if way in there)      # 0: both are there and no part agrees; -1: one is missing
    frame = con.execute(f"""
        WITH pair AS (
            SELECT if(source_dataset_l = 'roster', unique_id_r, unique_id_l) AS record,
                if(source_dataset_l = 'roster', unique_id_l, unique_id_r) AS person, match_weight AS weight FROM {pairs} WHERE {agree}),
        odds AS (SELECT *, max(weight) OVER (PARTITION BY record) AS top FROM pair)
        SELECT record, arg_min(person, (-round(weight, 6), person)) AS person, max(weight) AS weight,
            1 / (pow(2, -any_value(top)) + sum(pow(2, weight - top) ORDER BY person)) AS probability,
            count(*) FILTER (top - weight < 1e-6) - 1 AS others
        FROM odds GROUP BY record ORDER BY record""").df()
    return frame.astype({"record": np.int64, "person": np.int64})


def _of_each_record(best: pd.DataFrame, number: np.ndarray) -> pd.DataFrame:
    """What was found for the people of the sources, for each of their records."""
    records = pd.DataFrame({"record": np.arange(len(number)), "_number": number})
    return records.merge(best.rename(columns={"record": "_number"}), on="_number").drop(columns="_number")


def _parameters(linker) -> pd.DataFrame:
    """What was learnt, without a value of anybody."""
    rows = linker.misc.save_model_to_json(out_path=None)["comparisons"]
    return pd.DataFrame([{"comparison": one["output_column_name"], "level": level["label_for_charts"], "m": level.get("m_probability", np.nan),
                          "u": level.get("u_probability", np.nan)} for one in rows for level in one["comparison_levels"]
                         if not level.get("is_null_level")])
