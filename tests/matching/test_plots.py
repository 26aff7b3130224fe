import pytest

from evaluation.errors import PlanError
from evaluation.matching import plots
from tests.matching.references import reference
from tests.matching.test_matchit_balance import match_of


@pytest.fixture(scope="module")
def match():
    return match_of(reference("lalonde_nn_caliper"))


def title(figure) -> str:
    return figure.get_suptitle()


def test_the_love_plot_says_how_many_covariates_are_within_the_limit(match):
    table = match.diagnostics()
    inside = int((table.loc[table["type"] != "score", "smd_after"].abs() < 0.1).sum())
    figure = plots.love_plot(table)
    assert title(figure) == f"{inside} of 9 covariates differ by less than 0.1 standard deviations after matching" and inside == 7
    axes, = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()][-1] == "race[white]"
    assert "linear predictor (score)" in [label.get_text() for label in axes.get_yticklabels()]
    assert axes.get_xlabel() and len(plots.love_plot(match.balance()).axes) == 1
    assert title(plots.love_plot(table, limit=0.5)) == "Every covariate differs by less than 0.5 standard deviations after matching"


def test_the_distribution_functions_end_at_1_and_say_how_far_apart_they_are(match):
    figure = plots.ecdf_plot(match, "re74")
    line = match.diagnostics().set_index("covariate").loc["re74"]
    assert title(figure) == f"Distributions of re74 are at most {line['ks_after']:.2f} apart after matching, against {line['ks_before']:.2f} before"
    before, after = figure.axes
    for axes in (before, after):
        assert [drawn.get_ydata()[-1] for drawn in axes.lines] == pytest.approx([1, 1]) and axes.get_xlabel() == "re74"
    gap = abs(before.lines[0].get_ydata() - before.lines[1].get_ydata()).max()
    assert gap == pytest.approx(line["ks_before"], abs=0.01)


def test_the_bars_of_each_side_add_up_to_100_in_either_direction(match):
    figure = plots.overlap_plot(match)
    assert title(figure) == "Scores overlap by 85% after matching, against 36% before"
    heights = [patch.get_data().values.sum() for patch in figure.axes[0].patches]
    assert heights == pytest.approx([100, 100, -100, -100])


def test_a_picture_of_what_was_not_matched_and_a_love_plot_by_stratum_are_refused(match):
    with pytest.raises(PlanError, match="'height' is not one of age"):
        plots.ecdf_plot(match, "height")
    with pytest.raises(PlanError, match="one line per covariate"):
        plots.love_plot(match.diagnostics(by="race"))
