"""Every way of ranking keeps the answers, and is fitted on the calibration split."""

from pathlib import Path

import pytest

from calib.calibrators.p_norm import MaxLogitPNorm
from calib.calibrators.temperature import TemperatureScaling
from calib.errors import InputError
from calib.metrics.ranking import aurc, risk_coverage
from calib.sources import open_source
from calib.studies._contrasts import contrast_table
from calib.studies.selective_prediction import PAPERS, SETTINGS, contrasts, rank_runs, scores
from calib.studies.write_selective_prediction import chart, readable_rankings, verdict

HARD, SMOOTHED = Path("example:digits-resnet8-hard"), Path("example:digits-resnet8-smoothed")


def test_rankings_are_those_of_the_calibrators_fitted_on_the_calibration_split() -> None:
    result = rank_runs([HARD], risk=0.01, coverage=0.9)
    table, source = result.table.set_index("ranking"), open_source(HARD)
    fitted, norm = TemperatureScaling.fit(source.to_fit_on), MaxLogitPNorm.fit(source.to_fit_on)
    assert table.loc["softmax", "aurc"] == aurc(source.test)
    assert table.loc["softmax + T", "aurc"] == aurc(fitted.transform(source.test))
    assert table.loc["p-norm", "aurc"] == aurc(norm.rank(source.test))
    assert table.loc["softmax + T", "parameter"] == fitted.temperature
    assert table["accuracy"].nunique() == 1
    curve = risk_coverage(source.test)
    assert table.loc["softmax", "coverage_at_risk"] == curve.coverage_at(0.01)
    assert table.loc["softmax", "risk_at_coverage"] == curve.risk_at(0.9)
    assert len(result.curves) == 3


def test_questions_compare_with_hard_targets_and_with_plain_softmax() -> None:
    table = rank_runs([HARD, SMOOTHED]).table
    asked = contrasts(table)
    assert len(asked) == 1 + 4
    assert "(α = 0.1, softmax) − (hard, softmax)" in [one.question for one in asked]
    assert [score.heading for score in scores(table)] == ["AURC", "coverage at 5 % risk"]
    assert contrasts(table[table["model"] != "hard"]) == []
    shown = readable_rankings(table)
    assert shown["model"].iloc[0] == "hard, softmax"
    assert len(chart(rank_runs([HARD, SMOOTHED])).axes[0].lines) == 4


def test_settings_begin_with_hard_targets() -> None:
    for setting in (*SETTINGS.values(), *PAPERS.values()):
        assert setting.smoothing[0] == 0
        assert setting.base.keep == "last"
    assert (PAPERS["xia"].base.arch, PAPERS["xia"].base.epochs, PAPERS["xia"].smoothing) == ("resnet20", 75, (0.0, 0.2))


def test_nothing_to_rank_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no runs"):
        rank_runs([])
    with pytest.raises(InputError, match="does not exist"):
        rank_runs([tmp_path / "nothing"])


def test_the_verdict_names_its_evidence() -> None:
    table = rank_runs([HARD, SMOOTHED]).table
    questions = contrast_table(table, contrasts(table), scores(table))
    text = verdict(table, questions)
    by = table.set_index(["model", "ranking"])["aurc"]
    assert f"AURC {by['α = 0.1', 'softmax']:.4f} against {by['hard', 'softmax']:.4f} of hard targets" in text
    assert f"the p-norm makes it {by['α = 0.1', 'p-norm']:.4f}" in text
    easy = table.assign(risk=0.9)
    assert "wrong in more than 90 %: choose a lower --risk" in verdict(easy, questions)
    assert "--risk" not in text
    assert verdict(rank_runs([HARD], risk=0.001).table, questions[:0]) == ""
