"""The audit of a release: what numbers tell together, and how a release is made safe or held."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.disclosure import audit as audits
from evaluation.disclosure.audit import Waiver, audited, look_at
from evaluation.disclosure.bounds import Claim, Reader
from evaluation.disclosure.ledger import Ledger, Repair, span
from evaluation.disclosure.population import Population
from evaluation.disclosure.rules import RULES, Profile
from evaluation.disclosure.whose import measured
from evaluation.errors import DisclosureError
from evaluation.models.effects import Estimate

TEN_FIVE = RULES["ten_five"]


def who(name: str, council: str = "", *path: tuple[str, str], fingerprint: str = "") -> Population:
    return Population.of(name, "programme", {"council": [council]} if council else {}, *path, fingerprint=fingerprint)


def counts(ledger: Ledger, numbers: dict[Population, int]) -> None:
    for population, number in numbers.items():
        ledger.count(number, of="families", what="joined", population=population)


def released(numbers: dict[Population, int], profile: Profile = TEN_FIVE, **about) -> dict[str, str]:
    """What a release of these counts shows, once it is safe."""
    _, ledger = audited(lambda ledger: counts(ledger, numbers), profile, **about)
    return {entry.population: entry.shown.text for entry in ledger.entries}


def entries(numbers: dict[Population, int], profile: Profile = TEN_FIVE):
    ledger = Ledger(profile=profile)
    counts(ledger, numbers)
    return ledger.entries


MATCHED = ("matching", "matched")


# ---- bounds --------------------------------------------------------------------------------------------------------------------------------------


def test_a_hidden_count_is_the_total_less_the_others():
    total, a, b = who("all"), who("a", "a"), who("b", "b")
    claims = [Claim.about(total, 30, 30), Claim.about(a, 23, 23), Claim.about(b, 1, 9), Claim(target=((total, 1), (a, -1), (b, -1)), low=0, high=0)]
    (found,) = Reader.of(claims, [((b, 1),)], seconds=9).ranges([((b, 1),)], enough=5)
    assert (found.low, found.high, found.width) == (7, 7, 0)


def test_claims_that_contradict_each_other_hold_the_release():
    claims = [Claim.about(who("all"), 30, 30), Claim.about(who("a", "a"), 31, 40)]
    with pytest.raises(DisclosureError, match="contradict each other"):
        Reader.of(claims, [((who("a", "a"), 1),)], seconds=9).ranges([((who("a", "a"), 1),)], enough=5)


def test_an_audit_without_time_holds_the_release():
    claims = [Claim.about(who("all"), 30, 30)]
    with pytest.raises(DisclosureError, match="ran out of time"):
        Reader.of(claims, [((who("a", "a"), 1),)], seconds=0).ranges([((who("a", "a"), 1),)], enough=5)


def test_an_audit_of_too_many_cells_holds_the_release(monkeypatch):
    monkeypatch.setattr("evaluation.disclosure.bounds.MOST_CELLS", 3)
    claims = [Claim.about(who(name, name), 30, 30) for name in "abc"]
    with pytest.raises(DisclosureError, match="can look at 3 cells"):
        Reader.of(claims, [((who("a", "a"), 1),)], seconds=9)


@settings(max_examples=60)
@given(table=st.lists(st.lists(st.integers(0, 14), min_size=2, max_size=2), min_size=2, max_size=2), base=st.sampled_from([1, 5]))
def test_bounds_of_a_table_are_those_of_trying_every_table(table, base):
    """Cells of 2 by 2 with margins: brute force over all tables of integers that would print alike."""

    def printed(number: int) -> tuple[int, int]:
        if 0 < number < 5:
            return (1, 4)
        return tuple(int(one) for one in span(base * ((2 * number + base) // (2 * base)), base, least=5 if number else 0))

    rows, columns = [sum(row) for row in table], [sum(column) for column in zip(*table, strict=True)]
    ranges = [printed(number) for row in table for number in row]
    margins = [printed(number) for number in (*rows, *columns, sum(rows))]
    fits = [
        (a, b, c, d)
        for a, b, c, d in itertools.product(*(range(low, high + 1) for low, high in ranges))
        if all(low <= number <= high for number, (low, high) in zip((a + b, c + d, a + c, b + d, a + b + c + d), margins, strict=True))
    ]
    cells = [Population.of(f"{c}{k}", "p", {"council": [c], "cohort": [k]}) for c in "ab" for k in "xy"]
    sides = [Population.of(c, "p", {"council": [c]}) for c in "ab"] + [Population.of(k, "p", {"cohort": [k]}) for k in "xy"]
    sides.append(Population.of("all", "p"))
    claims = [Claim.about(one, *ends) for one, ends in zip((*cells, *sides), (*ranges, *margins), strict=True)]
    for whole, parts in ((0, (0, 1)), (1, (2, 3)), (2, (0, 2)), (3, (1, 3))):
        claims.append(Claim(target=((sides[whole], 1), *((cells[part], -1) for part in parts)), low=0, high=0))
    claims += [Claim(target=((sides[4], 1), (sides[at], -1), (sides[at + 1], -1)), low=0, high=0) for at in (0, 2)]
    targets = [((cell, 1),) for cell in cells]
    found = Reader.of(claims, targets, seconds=60).ranges(targets, enough=10_000)
    assert [(one.low, one.high) for one in found] == [(min(fit[at] for fit in fits), max(fit[at] for fit in fits)) for at in range(4)]


@settings(max_examples=25)
@given(
    by_council=st.lists(st.lists(st.integers(0, 9), min_size=6, max_size=6), min_size=3, max_size=3),
    widths=st.lists(st.integers(0, 6), min_size=14, max_size=14),
)
def test_nodes_published_as_a_whole_tell_a_reader_the_same_with_one_unknown_as_with_one_in_every_cell(by_council, widths):
    """Three councils; of those joined some are matched; two kinds of comparison families, and a part of each, are published for all councils only."""
    joined, compared, other = ("joined", "yes"), ("compared in x", "yes"), ("compared in x", "no")
    paths = [(joined,), (joined, MATCHED), (compared,), (compared, MATCHED), (other,), (other, MATCHED)]
    tables = [[max(row[0], row[1]), row[1], row[2] + row[3], row[3], row[4] + row[5], row[5]] for row in by_council]
    totals = [sum(table[at] for table in tables) for at in range(6)]
    everyone = [max(table[0], table[2] + table[4]) for table in tables]
    populations = [who("all"), *(who("", "", *path) for path in paths), *(who("", name, *path) for path in ((), (joined,)) for name in "abc")]
    numbers = [sum(everyone), *totals, *everyone, *(table[0] for table in tables)]
    loose = [*widths, *widths][: len(numbers)]
    claims = [Claim.about(one, max(n - width, 0), n + width) for one, n, width in zip(populations, numbers, loose, strict=True)]
    targets = [((one, 1),) for one in populations] + [((who("", "", joined), 1), (who("", "", joined, MATCHED), -1))]
    in_every_cell = [((who("", "a", *path), 1),) for path in paths]
    merged, split = Reader.of(claims, targets, seconds=60), Reader.of(claims, [*targets, *in_every_cell], seconds=60)
    assert merged.space.size == 4 + 4 + 5 < split.space.size == 7 * 4
    assert merged.ranges(targets, enough=10_000) == split.ranges(targets, enough=10_000)


# ---- one release ---------------------------------------------------------------------------------------------------------------------------------


def test_joined_less_matched_is_not_left_within_a_few():
    numbers = {who("joined"): 192, who("matched", "", MATCHED): 189}
    assert [one.what for one in look_at(ledger_of(numbers)).unsafe] == ["What matched leaves of joined"]  # both print as 190: at most 4 left
    _, ledger = audited(lambda ledger: counts(ledger, numbers), TEN_FIVE)
    assert [entry.shown.text for entry in ledger.entries] == ["190", "190"]
    assert sorted(entry.high - entry.low for entry in ledger.entries) == [4, 9] and ledger.audit.narrowest >= 5
    assert [base for _, base in ledger.audit.rounded] == [10]


def ledger_of(numbers: dict[Population, int], profile: Profile = TEN_FIVE) -> Ledger:
    ledger = Ledger(profile=profile)
    counts(ledger, numbers)
    return ledger


@pytest.mark.parametrize("joined, matched", [(190, 190), (200, 185), (200, 190)])
def test_nested_populations_may_differ_by_nobody_or_by_ten(joined, matched):
    look = look_at(ledger_of({who("joined"): joined, who("matched", "", MATCHED): matched}))
    assert look.unsafe == () and look.cells == 0


@pytest.mark.parametrize("left", [1, 5, 9])
def test_every_difference_under_ten_of_exact_counts_is_found(left):
    exact = dataclasses.replace(TEN_FIVE, name="exact", base=1)
    look = look_at(ledger_of({who("joined"): 100 + left, who("matched", "", MATCHED): 100}, exact))
    assert (look.cells, look.narrowest, len(look.unsafe)) == (1, 0, 1)


def test_the_nation_less_its_councils_does_not_give_the_hidden_one():
    numbers = {who("all"): 107, who("a", "a"): 52, who("b", "b"): 48, who("c", "c"): 7}
    exact = dataclasses.replace(TEN_FIVE, name="exact", base=1)
    assert look_at(ledger_of(numbers, exact)).narrowest == 0
    shown = released(numbers, exact)
    assert shown["c"] == "[c]" and [shown[name] for name in ("all", "a", "b")] != ["107", "52", "48"]


def test_a_missing_council_is_protected_too():
    """Only two of three councils are published: the third is what they leave of the nation."""
    exact = dataclasses.replace(TEN_FIVE, name="exact", base=1)
    numbers = {who("all"): 107, who("a", "a"): 52, who("b", "b"): 48}
    assert [one.what for one in look_at(ledger_of(numbers, exact)).unsafe] == ["What 2 parts leave of all"]
    assert len(set(released(numbers, exact).values()) & {"107", "52", "48"}) < 3


def test_regions_within_a_nation_are_parts_of_it():
    exact = dataclasses.replace(TEN_FIVE, name="exact", base=1)
    north, south = (Population.of(name, "programme", {"council": members}) for name, members in (("north", ["a", "b"]), ("south", ["c", "d"])))
    assert [one.what for one in look_at(ledger_of({who("all"): 105, north: 52, south: 48}, exact)).unsafe] == ["What 2 parts leave of all"]


def test_reasons_for_leaving_add_up_to_those_who_left():
    reasons = {who(name, "", ("matching", name)): number for name, number in (("caliper", 2), ("no score", 2))}
    look = look_at(ledger_of({who("joined"): 107, who("matched", "", MATCHED): 103, **reasons}))
    assert look.cells == 3 and look.narrowest <= 2  # both are printed as 105: at most 4 left, of which each reason has one at least
    shown = released({who("joined"): 107, who("matched", "", MATCHED): 103, **reasons})
    assert shown["caliper"] == shown["no score"] == "[c]"


def test_a_safe_release_is_made_once_and_left_as_it_is():
    made = []
    numbers = {who("all"): 100, who("a", "a"): 40, who("b", "b"): 60}
    result, ledger = audited(lambda ledger: (counts(ledger, numbers), made.append(1)), TEN_FIVE)
    assert len(made) == 1 and result == (None, None)
    assert ledger.audit.as_json() == {
        "rule": "ten_five",
        "numbers_looked_at": 3,
        "counts_not_linked": 0,
        "numbers_of_earlier_releases": 0,
        "small_groups_looked_for": 0,
        "narrowest_interval": None,
        "rounded_further": [],
        "withheld": 0,
        "exceptions": [],
    }


def test_open_statistics_are_not_audited():
    assert look_at(ledger_of({who("all"): 9, who("a", "a"): 4}, RULES["published"])).cells == 0


def test_councils_are_no_people():
    ledger = Ledger(profile=TEN_FIVE)
    ledger.count(3, of="councils", what="n", population=who("all"))
    assert look_at(ledger).cells == 0


def test_a_population_with_two_counts_holds_the_release():
    ledger = Ledger(profile=TEN_FIVE)
    for number in (50, 51):
        ledger.count(number, of="families", what="joined", population=who("all"))
    with pytest.raises(DisclosureError, match="another count elsewhere"):
        look_at(ledger)


def test_counts_that_are_not_linked_are_told_in_the_record():
    def make(ledger: Ledger) -> None:
        ledger.count(3, of="families", what="joined", population="somewhere")

    assert audited(make, TEN_FIVE)[1].audit.unlinked == 1


def test_what_cannot_be_repaired_is_held(monkeypatch):
    monkeypatch.setattr(audits, "repaired", lambda *_: {})
    with pytest.raises(DisclosureError, match="The release is held: 1 of its numbers"):
        released({who("joined"): 192, who("matched", "", MATCHED): 189})


def test_a_release_that_needs_too_many_rounds_is_held(monkeypatch):
    monkeypatch.setattr(audits, "ROUNDS", 1)
    with pytest.raises(DisclosureError, match="held"):
        released({who("joined"): 192, who("matched", "", MATCHED): 189})


def test_an_exception_lets_a_number_out_and_is_printed_in_the_record():
    waiver = Waiver(number="matched: joined", name="A. Checker", reason="agreed with the data owner", date="2026-11-24")
    _, ledger = audited(lambda ledger: counts(ledger, {who("joined"): 192, who("matched", "", MATCHED): 189}), TEN_FIVE, waivers=[waiver])
    assert not any(entry.repaired for entry in ledger.entries)
    assert ledger.audit.as_json()["exceptions"] == [
        {"number": "matched: joined", "name": "A. Checker", "reason": "agreed with the data owner", "date": "2026-11-24"}
    ]


def test_an_exception_for_another_number_lets_nothing_out():
    numbers = {who("joined"): 192, who("matched", "", MATCHED): 189}
    other = Waiver(number="joined elsewhere: joined", name="A. Checker", reason="agreed", date="2026-11-24")
    _, ledger = audited(lambda ledger: counts(ledger, numbers), TEN_FIVE, waivers=(other,))
    assert [base for _, base in ledger.audit.rounded] == [10]


def test_the_record_does_not_say_which_numbers_are_withheld():
    """A council of nine in nine cohorts of one: the total under ten tells each cohort, so something must go."""
    cells = {Population.of(f"k{k}", "programme", {"council": ["a"], "cohort": [f"k{k}"]}): 1 for k in range(9)}
    _, ledger = audited(lambda ledger: counts(ledger, {who("a", "a"): 9, **cells}), TEN_FIVE)
    record = ledger.audit.as_json()
    assert record["withheld"] >= 1 and record["rounded_further"] == []
    assert {entry.shown.text for entry in ledger.entries} == {"[c]"}


# ---- averages and estimates ----------------------------------------------------------------------------------------------------------------------


def level(ledger: Ledger, value: float, n: int, population: Population, digits: int = 0) -> str:
    return ledger.level(value, n=n, of="families", digits=digits, what="after", population=population, per=100).text


@pytest.mark.parametrize("n_matched, hidden", [(97, True), (100, False), (85, True), (60, False)])
def test_a_rate_is_not_shown_beside_that_of_all_but_a_few_families_or_events(n_matched, hidden):
    def make(ledger: Ledger) -> list[str]:
        counts(ledger, {who("joined"): 100, who("matched", "", MATCHED): n_matched})
        return [level(ledger, 30.0, 100, who("joined")), level(ledger, 30.0, n_matched, who("matched", "", MATCHED))]

    exact = dataclasses.replace(TEN_FIVE, name="exact", base=1)
    assert ("[c]" in audited(make, exact)[0]) == hidden


def test_means_whose_numbers_of_families_are_rounded_are_wide_enough_apart():
    def make(ledger: Ledger) -> list[str]:
        counts(ledger, {who("joined"): 400, who("matched", "", MATCHED): 394})
        return [level(ledger, 50.0, 400, who("joined")), level(ledger, 50.0, 394, who("matched", "", MATCHED))]

    assert audited(make, TEN_FIVE)[0] == ["50", "50"]


@pytest.mark.parametrize("exact", [True, False])
def test_a_rate_of_a_population_whose_count_is_withheld_has_no_upper_bound(exact):
    """That of all but a few of them is still looked at: their number of events is whole where they are of one period."""
    ledger = Ledger(profile=TEN_FIVE, repairs={who("joined").identity: Repair(hidden=True)})
    counts(ledger, {who("joined"): 100, who("matched", "", MATCHED): 94})
    for n, population in ((100, who("joined")), (94, who("matched", "", MATCHED))):
        level(ledger, 100 * (30 if exact else 30.3) / n, n, population)
    assert look_at(ledger).unsafe == ()


def test_rates_of_those_measured_are_judged_like_rates_of_all():
    """Those measured among all who joined and among the matched: no population holds the other by its path, the populations they are of do."""
    of = [measured(who("joined"), "offences", "all"), measured(who("matched", "", MATCHED), "offences", "some")]

    def make(ledger: Ledger) -> list[str]:
        counts(ledger, {who("joined"): 60, who("matched", "", MATCHED): 57})
        return [level(ledger, 30.0, n, one) for n, one in zip((60, 57), of, strict=True)]

    assert "[c]" in audited(make, TEN_FIVE)[0]


def test_rates_whose_totals_are_wide_enough_apart_are_both_shown():
    """100 of 198 to 202 families and about 91 of 188 to 192: for a reader 5 to 12 events lie between."""

    def make(ledger: Ledger) -> list[str]:
        counts(ledger, {who("joined"): 200, who("matched", "", MATCHED): 190})
        return [level(ledger, 50.0, 200, who("joined")), level(ledger, 48.0, 190, who("matched", "", MATCHED))]

    assert audited(make, TEN_FIVE)[0] == ["50", "48"]


@pytest.mark.parametrize("rule, times, hidden", [("exact", 1, True), ("ten_five", 1, True), ("ten_five", 10, False)])
def test_rates_of_a_whole_and_of_its_parts_do_not_give_the_one_that_is_hidden(rule, times, hidden):
    """30 events of 100 families, 13 of 40 in a, 14 of 46 in b: what is left in c is 3 of 14. Ten times as many: 20 or more are possible."""
    profile = dataclasses.replace(TEN_FIVE, name="exact", base=1) if rule == "exact" else TEN_FIVE
    parts = {who("a", "a"): (13 * times, 40 * times), who("b", "b"): (14 * times, 46 * times)}
    families = {who("all"): (27 * times + 3, 86 * times + 14)} | parts

    def make(ledger: Ledger) -> list[str]:
        counts(ledger, {one: n for one, (_, n) in families.items()} | {who("c", "c"): 14})
        return [level(ledger, 100 * events / n, n, one) for one, (events, n) in families.items()]

    assert ("[c]" in audited(make, profile)[0]) == hidden


def test_rates_of_parts_that_leave_a_large_group_are_shown():
    def make(ledger: Ledger) -> list[str]:
        counts(ledger, {who("all"): 300, who("a", "a"): 100, who("b", "b"): 100})
        return [level(ledger, 30.0, n, one) for n, one in ((300, who("all")), (100, who("a", "a")), (100, who("b", "b")))]

    assert audited(make, dataclasses.replace(TEN_FIVE, name="exact", base=1))[0] == ["30", "30", "30"]


def test_a_rate_loses_its_decimals_before_it_is_hidden():
    def make(ledger: Ledger) -> list[str]:
        counts(ledger, {who("joined"): 900, who("matched", "", MATCHED): 890})
        return [level(ledger, 30.04, 900, who("joined"), 1), level(ledger, 30.04, 890, who("matched", "", MATCHED), 1)]

    exact = dataclasses.replace(TEN_FIVE, name="exact", base=1)
    made, ledger = audited(make, exact)
    assert made == ["30", "30.0"] and ("joined: after", 1) in ledger.audit.rounded


def test_an_effect_on_all_but_a_few_is_not_shown_beside_that_on_all():
    def make(ledger: Ledger) -> list[str]:
        found = []
        for n, population in ((103, who("all")), (100, who("a", "a"))):
            ledger.count(n, of="families", what="joined", population=population)
            estimate = Estimate(
                estimate=40.0,  # times the rounded numbers far from each other: it is the effect itself that tells
                std_error=0.5,
                lower=39.0,
                upper=41.0,
                df=90,
                p_value=0.05,
                n_treated=n,
                n_comparison=300,
                clusters="",
                n_clusters=0,
                method="CR1",
            )
            found.append(ledger.interval(estimate, of="families", what="effect", population=population).estimate.text)
        return found

    assert audited(make, TEN_FIVE)[0] == ["[c]", "+40.00"]


def test_the_record_is_of_a_look_at_everything_after_the_last_repair():
    numbers = {who("joined"): 192, who("matched", "", MATCHED): 189, who("b", "b"): 6}
    _, ledger = audited(lambda ledger: counts(ledger, numbers), TEN_FIVE)
    assert ledger.audit.rounded or ledger.audit.withheld
    assert ledger.audit.cells == look_at(ledger).cells > 1


# ---- earlier releases ----------------------------------------------------------------------------------------------------------------------------


def test_numbers_that_are_out_already_narrow_what_is_hidden_now():
    exact = dataclasses.replace(TEN_FIVE, name="exact", base=1)
    earlier = entries({who("all"): 107, who("a", "a"): 52}, exact)
    now = {who("a", "a"): 52, who("b", "b"): 48}
    assert look_at(ledger_of(now, exact)).unsafe == ()
    assert [one.what for one in look_at(ledger_of(now, exact), earlier=earlier).unsafe] == ["What 2 parts leave of all"]
    _, ledger = audited(lambda ledger: counts(ledger, now), exact, earlier=earlier)
    assert ledger.audit.earlier == 2 and any(entry.repaired for entry in ledger.entries)


def test_what_is_out_cannot_be_taken_back_so_the_release_is_held():
    exact = dataclasses.replace(TEN_FIVE, name="exact", base=1)
    earlier = entries({who("all"): 107, who("a", "a"): 52, who("b", "b"): 48, who("c", "c"): 7}, exact)
    with pytest.raises(DisclosureError, match="held"):
        released({who("all"): 107}, exact, earlier=earlier)


def test_a_count_is_rounded_further_when_one_family_has_joined_since():
    shown, _ = (ledger_of({who("all"): 10}), None)
    _, ledger = audited(lambda ledger: counts(ledger, {who("all"): 11}), TEN_FIVE, changed=shown.entries)
    assert ledger.entries[0].repaired
    for number in (10, 20, 25):
        _, ledger = audited(lambda ledger, number=number: counts(ledger, {who("all"): number}), TEN_FIVE, changed=shown.entries)
        assert not ledger.entries[0].repaired


@pytest.mark.parametrize(
    "n, then, now, hidden",
    [(100, "x", "y", True), (100, "x", "x", False), (103, "x", "y", True), (110, "x", "y", False), (100, "", "y", False)],
)
def test_a_mean_is_not_shown_again_after_a_few_families_changed(n, then, now, hidden):
    before = Ledger(profile=TEN_FIVE)
    level(before, 30.0, 100, who("all", fingerprint=then))
    shown, _ = audited(lambda ledger: level(ledger, 30.0, n, who("all", fingerprint=now)), TEN_FIVE, changed=before.entries)
    assert (shown == "[c]") == hidden


# ---- repairs -------------------------------------------------------------------------------------------------------------------------------------


def test_a_repair_rounds_further_and_says_so():
    ledger = Ledger(profile=TEN_FIVE, repairs={who("all").identity: Repair(base=20)})
    counts(ledger, {who("all"): 192})
    assert (ledger.entries[0].shown.text, ledger.entries[0].low, ledger.entries[0].high, ledger.entries[0].repaired) == ("200", 190, 209, True)


def test_a_withheld_count_may_be_any():
    ledger = Ledger(profile=TEN_FIVE, repairs={who("all").identity: Repair(hidden=True)})
    counts(ledger, {who("all"): 192})
    entry = ledger.entries[0]
    assert (entry.shown.text, entry.low, entry.high) == ("[c]", 0, float("inf"))
