"""Families behind the numbers on the page: where sentences and tables stand, and that reports without families have none."""

from __future__ import annotations

from evaluation.disclosure.release import TableContent
from evaluation.reporting.blocks import Bullets, Heading, Paragraph, Table
from evaluation.reporting.council import who_took_part
from evaluation.reporting.reach_page import who_results_speak_for
from tests.reporting.sample import SAMPLES


def of(section, kind):
    return [block for block in section if isinstance(block, kind)]


def with_populations(**update):
    content = SAMPLES["family"]()
    return content.model_copy(update={"populations": content.populations.model_copy(update=update)})


def test_a_report_on_councils_has_no_such_page_and_nothing_on_support():
    content = SAMPLES["council"]()
    assert not who_results_speak_for(content).blocks
    assert not any(block.id == "sec-support" for block in of(who_took_part(content), Heading))


def test_who_took_part_tells_support_after_the_way_to_those_analysed():
    content = SAMPLES["family"]()
    blocks = list(who_took_part(content))
    (said,) = of(blocks, Bullets)
    assert said.items == content.populations.support and [block.id for block in of(blocks, Table)] == ["tab-windows", "tab-exits"]
    assert [block.id for block in of(blocks, Heading)] == ["sec-part", "sec-support"]


def test_where_nothing_may_be_said_of_support_its_heading_is_left_out():
    blocks = list(who_took_part(with_populations(support=(), windows=None, exits=None)))
    assert [block.id for block in of(blocks, Heading)] == ["sec-part"] and not of(blocks, Table)


def test_whom_the_results_speak_for_comes_before_the_tables_of_those_left_out_and_of_each_outcome():
    section = list(who_results_speak_for(SAMPLES["family"]()))
    assert section[1] == Paragraph(text="205 of the 230 programme families could be matched. No figure is extended to the others.")
    assert [block.id for block in of(section, Table)] == ["tab-left-out", "tab-complete-sets"]


def test_tables_that_may_not_be_shown_are_left_out_and_the_sentences_stay():
    section = list(who_results_speak_for(with_populations(left_out=None, complete=None)))
    assert [type(block) for block in section] == [Heading, Paragraph]           # and no pointer to the families behind an effect


def test_the_families_behind_an_effect_are_pointed_to_beside_those_in_complete_sets():
    assert "@tab-levels" in list(who_results_speak_for(SAMPLES["family"]()))[-1].text


def test_missing_values_are_pointed_to_where_their_table_stands():
    content = SAMPLES["family"]()
    assert "@tab-missing-values" not in str(list(who_results_speak_for(content)))
    table = TableContent(id="missing-values", title="Why", columns=("Outcome", "Observed"), rows=(("Absence", "75"),))
    section = list(who_results_speak_for(content.model_copy(update={"tables": (table,)})))
    assert "@tab-missing-values" in section[-1].text
