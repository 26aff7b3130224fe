"""The page on payment by results: where its shares stand, what is left out, and that its words are those of the release."""

from __future__ import annotations

from evaluation.reporting.blocks import Callout, Figure, Paragraph, Table
from evaluation.reporting.payment_page import payment_by_results
from tests.reporting.sample import SAMPLES


def blocks(kind):
    return [block for block in payment_by_results(SAMPLES["family"]()) if isinstance(block, kind)]


def test_a_report_without_payment_by_results_has_no_such_page():
    assert not payment_by_results(SAMPLES["council"]()).blocks


def test_official_claims_stand_in_a_column_of_their_own_beside_the_matched_shares():
    table = next(table for table in blocks(Table) if table.id == "tab-payment")
    assert table.columns[1].startswith("Official") and "matched" in table.columns[2] and "matched" in table.columns[3]
    assert table.rows[0] == ("All families", "79%", "48", "45", "+3\u00a0(\u22128\u00a0to\u00a0+14)", "94\u00a0(72\u00a0to\u00a0116)")


def test_what_is_not_shown_is_named_and_stands_in_no_chart_or_table():
    (figure,) = blocks(Figure)
    assert "continuous employment" not in figure.alt and not any("employment" in row[0] for row in figure.data.rows)
    assert any(paragraph.lead == "Not shown." and "continuous employment" in paragraph.text for paragraph in blocks(Paragraph))


def test_the_chart_holds_its_data_and_says_what_each_side_reached():
    (figure,) = blocks(Figure)
    assert figure.data.rows[0] == ("All families", "48", "39\u00a0to\u00a057", "45", "37\u00a0to\u00a053")
    assert "programme 48\u00a0(39\u00a0to\u00a057), comparison 45" in figure.alt and figure.title == SAMPLES["family"]().payment.title


def test_what_the_comparison_rests_on_is_boxed_before_the_chart():
    shown = list(payment_by_results(SAMPLES["family"]()))
    kinds = [type(block) for block in shown]
    assert kinds.index(Callout) < kinds.index(Figure)


def test_a_page_on_which_no_share_may_be_shown_still_has_its_sentence_and_tables():
    content = SAMPLES["family"]()
    hidden = tuple(line.model_copy(update={"reason": "fewer than 10 matched families"}) for line in content.payment.shares)
    content = content.model_copy(update={"payment": content.payment.model_copy(update={"shares": hidden, "sentence": "It is not shown here."})})
    shown = list(payment_by_results(content))
    assert not any(isinstance(block, Figure) for block in shown)
    assert any(getattr(block, "text", "") == "It is not shown here." for block in shown)
    assert any(isinstance(block, Table) and block.id == "tab-payment-four" for block in shown)
