from __future__ import annotations

import dataclasses
import json
import re

import pytest

from evaluation.disclosure.release import Check, TableContent
from evaluation.errors import ReportError
from evaluation.reporting import council, outcome_page, trust
from evaluation.reporting.blocks import Contents, Figure, Heading, SignOff, Table
from evaluation.reporting.words import minus
from tests.reporting.sample import SAMPLES, blocks_from
from tests.reporting.sample_parts import study


def every_text(blocks) -> str:
    return json.dumps([block.to_json() for block in blocks], ensure_ascii=False)


def test_every_sentence_of_the_release_reaches_the_report(content, blocks):
    told = every_text(blocks)
    summary, strength = content.summary, content.strength
    sentences = [summary.headline, *summary.paragraphs, *summary.findings, summary.could_have_seen, summary.payment_by_results, summary.value]
    sentences += [
        *summary.caveats,
        *summary.next_steps,
        *content.limits,
        *content.study.sources,
        content.study.disclosure_rule,
        content.study.plan_hash,
    ]
    sentences += [result.sentence for result in content.outcomes] + [check.sentence for check in content.checks]
    sentences += [point.reason for point in strength.points] + [warned.sentence for warned in content.warnings]
    sentences += [placebo.sentence for placebo in content.placebos] + [study.pre_trend for study in content.event_studies]
    sentences += [study.later_note for study in content.event_studies] + [text for _, text in content.glossary]
    assert [sentence for sentence in sentences if json.dumps(sentence, ensure_ascii=False)[1:-1] not in told] == []


def test_every_number_of_an_outcome_reaches_the_report(content, blocks):
    told = every_text(blocks)
    for result in content.outcomes:
        for shown in (
            result.before,
            result.after,
            result.before_after,
            result.payment_by_results,
            result.comparison_level,
            result.detectable,
            result.truth,
        ):
            assert shown is None or minus(shown.text) in told


def test_before_and_after_change_payment_by_results_and_effect_are_three_columns_with_three_names(blocks):
    table = next(block for block in blocks if block.kind == "table")
    assert table.columns[1:4] == ("Before and after change", "Payment by results", "Effect (95% interval)")


def test_no_cell_is_blank_and_what_is_not_available_reads_so(blocks, content):
    tables = [block for block in blocks if isinstance(block, Table)] + [block.data for block in blocks if isinstance(block, Figure)]
    assert all(cell for table in tables for row in table.rows for cell in row)
    widest = max((table for table in tables if table.id in ("tab-all", "tab-three")), key=lambda table: len(table.rows))
    cells = {row[0].split(" (")[0]: row[1:] for row in widest.rows}
    for result in content.outcomes:
        if result.status == "not_available":
            assert set(cells[result.label]) == {"[x]"}


def test_a_held_report_shows_symbols_says_so_and_has_no_number_of_an_outcome():
    blocks = blocks_from(SAMPLES["held"]())
    three = next(block for block in blocks if isinstance(block, Table))
    assert {cell for row in three.rows for cell in row[1:]} == {"[c]"}
    assert "confidential" in three.notes[-1]
    assert [block.id for block in blocks if isinstance(block, Figure)] == ["fig-flow"]


def test_the_true_effect_is_a_column_only_of_simulated_studies(content, blocks):
    three = next(block for block in blocks if isinstance(block, Table))
    assert any("simulated" in column for column in three.columns) == content.study.simulated


def test_page_one_ends_with_the_sign_off_and_comes_before_the_contents(blocks):
    kinds = [type(block) for block in blocks]
    assert kinds.index(SignOff) + 1 == kinds.index(Contents)


def test_page_one_has_no_p_value(blocks):
    first = every_text(blocks[: [type(block) for block in blocks].index(Contents)])
    assert not re.search(r"\bp\s*[<=]|p-value|significan", first)


def test_ids_are_unique_and_sections_do_not_skip_a_level(blocks):
    ids = [block.id for block in blocks if hasattr(block, "id")]
    assert len(ids) == len(set(ids))
    levels = [2] + [block.level for block in blocks if isinstance(block, Heading)]
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_a_chart_of_simulated_data_says_so_under_the_chart(blocks, content):
    for block in blocks:
        if isinstance(block, Figure):
            assert block.source.startswith("Simulated data.") == content.study.simulated


@pytest.mark.parametrize("n, parts", [(3, 1), (7, 1), (8, 2), (13, 2), (14, 3)])
def test_a_wide_table_is_split_into_parts_that_repeat_the_row_headers_and_lose_no_column(n, parts):
    columns = ("Who", *(f"c{j}" for j in range(1, n)))
    made = trust.split(TableContent(id="wide", title="Wide", columns=columns, rows=(("a", *map(str, range(1, n))),)))
    assert len(made) == parts
    assert all(len(table.columns) <= trust.WIDEST and table.rows[0][0] == "a" for table in made)
    assert [column for table in made for column in table.columns[1:]] == list(columns[1:])


def test_files_are_named_after_study_and_council_and_say_when_data_are_simulated(content):
    assert council.stem(content).endswith("_simulated") == content.study.simulated
    assert council.stem(content).startswith(f"{content.study.name}_{content.council.code}")


def test_a_name_that_could_leave_the_folder_is_refused():
    content = SAMPLES["council"]().model_copy(update={"study": study(name="../elsewhere")})
    with pytest.raises(ReportError, match="name files"):
        council.stem(content)


def test_what_is_no_release_is_refused_without_showing_what_it_holds(tmp_path):
    path = tmp_path / "content.json"
    with pytest.raises(ReportError, match="must be there"):
        council.read(path)
    path.write_text('{"family": "F0012345"}')
    with pytest.raises(ReportError, match="fields are missing or wrong") as refused:
        council.read(path)
    assert "F0012345" not in str(refused.value)


def test_showing_a_report_changes_nothing_in_the_release(content):
    before = content.model_dump_json()
    blocks_from(content)
    assert content.model_dump_json() == before


def test_a_council_without_an_area_has_no_line_for_it():
    blocks = list(council.who_took_part(SAMPLES["family"]()))
    assert "Area" not in dict(blocks[1].items)


def test_blocks_are_frozen_all_through(blocks):
    for block in blocks:
        assert all(not isinstance(getattr(block, field.name), list | dict) for field in dataclasses.fields(block))


def test_a_release_with_gaps_makes_no_blank_paragraph_and_no_empty_chart():
    content = SAMPLES["council"]()
    bare = content.model_copy(
        update={
            "event_studies": tuple(study.model_copy(update={"points": (), "pre_trend": "", "later_note": ""}) for study in content.event_studies),
            "overlap": content.overlap.model_copy(update={"sentence": ""}),
            "placebos": tuple(placebo.model_copy(update={"sentence": ""}) for placebo in content.placebos),
        }
    )
    blocks = blocks_from(bare)
    assert all(block.text for block in blocks if block.kind == "paragraph")
    assert not any(block.id.startswith("fig-event") for block in blocks if isinstance(block, Figure))


def placebo_table(content) -> Table:
    return next(block for block in council.this_area(content) if isinstance(block, Table) and block.id == "tab-placebo")


def test_a_placebo_area_is_made_of_the_units_of_the_study():
    content = SAMPLES["council"]()
    small = content.model_copy(update={"study": content.study.model_copy(update={"unit": "small_area", "unit_plural": "small areas"})})
    assert placebo_table(content).notes[0].startswith("A placebo area is made of councils that had no programme")
    assert placebo_table(small).notes[0].startswith("A placebo area is made of small areas that had no programme")
    assert "matched" not in placebo_table(small).notes[0]  # some studies weigh donors


def test_every_gap_that_few_placebo_areas_show_is_told_in_words():
    content = SAMPLES["council"]()
    assert len(content.placebos) == 2
    secondary = tuple(result.model_copy(update={"primary": False}) for result in content.outcomes)
    first, second = content.placebos
    changed = content.model_copy(update={"outcomes": secondary, "placebos": (first, second.model_copy(update={"outside": True}))})
    told = [(block.lead, block.text) for block in council.this_area(changed) if block.kind == "paragraph"]
    assert told == [(f"{second.label}.", second.sentence)]
    main = content.model_copy(update={"placebos": changed.placebos})  # a main outcome has its chart, and its words under it, whatever its gap
    assert [block.text for block in council.this_area(main) if block.kind == "paragraph"] == [first.sentence, second.sentence]


def test_a_table_of_gaps_says_which_outcomes_it_lacks_and_why():
    content, why = SAMPLES["council"](), "This area's own figures are not shown, because too few incidents or families stand behind them."
    first, *others = content.outcomes
    few = content.model_copy(update={"outcomes": (first, *(one.model_copy(update={"own_note": why}) for one in others[:2]))})
    names = "; ".join(one.label[:1].lower() + one.label[1:] for one in others[:2])
    assert placebo_table(few).notes[1:] == (f"Not in this table: {names}. {why}",) and placebo_table(content).notes[1:] == ()
    assert why in every_text(outcome_page.outcome_pages(few)) and why not in every_text(outcome_page.outcome_pages(content))


def _check(name, verdict, *outcomes):
    return Check(name=name, outcome=" and ".join(outcomes), outcomes=outcomes, verdict=verdict, sentence=f"{name} of {' and '.join(outcomes)}.")


def test_every_check_has_one_row_with_its_verdict_on_each_outcome():
    checks = [_check("Balance", "passed", "A", "B"), _check("Trend before", "failed", "A"), _check("Trend before", "not testable", "B"),
              _check("Dip", "information", "B")]
    table = trust.verdicts(checks, ["A", "B"])
    assert table.columns == ("Check", "A", "B") and table.title == "1 of 3 checks failed for at least one outcome; 2 of 3 gave a verdict"
    assert table.rows == (("Balance", "Passed", "Passed"), ("Trend before", "Failed", "Not testable"), ("Dip", "[z]", "Noted"))
    told = trust.against(checks)
    details = list(trust.details(checks))
    assert details[1:3] == [("Trend before: a", "Failed. Trend before of A."), ("Trend before: b", "Not testable. Trend before of B.")]
    assert told[1].items == ("Trend before, a: Trend before of A.",)
    assert trust.verdicts(checks[:1], ["B", "A"]).columns == ("Check", "B", "A")
    assert trust.verdicts(checks[:1], []).title == "No check failed" and len(trust.against(checks[:1])) == 1
    assert trust.verdicts([checks[0], checks[2], checks[3]], []).title == "No check failed; 1 of 3 gave a verdict"
    assert trust.verdicts(checks[2:], []).title == "No check gave a verdict"
