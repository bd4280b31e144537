"""The chart shows the mean risk of the networks at each coverage, the range around it, and their labels as they are."""

from pathlib import Path

import numpy as np
import pytest

from calib.errors import InputError
from calib.metrics.ranking import RiskCoverage, risk_coverage
from calib.outcomes import Outcomes
from calib.plots.reliability import save_figure
from calib.plots.risk_coverage import Ranked, risk_coverage_figure


def curve(*correct: bool) -> RiskCoverage:
    return risk_coverage(Outcomes.from_confidence(np.linspace(0.9, 0.5, len(correct)), list(correct)))


ONE, OTHER = curve(True, True, False, False), curve(True, False, False, False)


def test_the_line_is_the_mean_over_networks_and_the_band_their_range() -> None:
    ax = risk_coverage_figure([Ranked("hard", [ONE, OTHER])]).axes[0]
    (line,) = ax.lines
    coverage, risk = np.asarray(line.get_xdata(), dtype=float), np.asarray(line.get_ydata(), dtype=float)
    assert coverage[[0, -1]].tolist() == pytest.approx([0.02, 1.0])
    assert risk[0] == 0
    assert risk[-1] == pytest.approx((0.5 + 0.75) / 2)
    assert risk[np.searchsorted(coverage, 0.45)] == pytest.approx((0 + 0.5) / 2)
    assert len(ax.collections) == 1
    assert len(risk_coverage_figure([Ranked("hard", [ONE])]).axes[0].collections) == 0


def test_what_belongs_together_has_one_colour_and_dashes_tell_it_apart(tmp_path: Path) -> None:
    lines = [Ranked("$a^$", [ONE], 1), Ranked("b\n<i>", [OTHER], 1, dashed=True), Ranked("_c", [ONE], 2)]
    figure = risk_coverage_figure(lines)
    first, second, third = figure.axes[0].lines
    assert first.get_color() == second.get_color() != third.get_color()
    assert first.get_linestyle() != second.get_linestyle()
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["$a^$", r"b\n<i>", "_c"]
    save_figure(figure, tmp_path / "odd.png", dpi=50)
    assert (tmp_path / "odd.png").stat().st_size > 0


def test_nothing_to_draw_is_refused() -> None:
    for empty in ([], [Ranked("hard", [])]):
        with pytest.raises(InputError, match="no curve"):
            risk_coverage_figure(empty)
