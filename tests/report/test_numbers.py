"""What a report says is what calib.evaluate, calib.diagnose and the classes' own tables say, number for number."""

from pathlib import Path

import numpy as np

import calib
from calib.content_hash import content_hash
from calib.environment import commit
from calib.report.mistakes import most_confident_mistakes
from calib.sensitivity import ece_sensitivity
from calib.tables import score_table

from .conftest import page_of

HARD = calib.load_example("digits-resnet8-hard")
DIAGNOSIS = calib.diagnose(HARD.test, HARD.calibration)


def test_the_verdict_comes_first_and_is_the_diagnosis(one: Path) -> None:
    words = page_of(one).words
    assert words.index("Not calibrated: overconfident") < words.index(DIAGNOSIS.verdict) < words.index("The numbers")
    assert f"Ship {DIAGNOSIS.paste}" in words
    assert f"calib.TemperatureScaling({DIAGNOSIS.fitted.temperature:.4g}).transform(predictions)" in words


def test_the_table_is_that_of_evaluate_before_and_after(one: Path) -> None:
    rows = {row[0].strip(): row[1:] for row in page_of(one).tables[0][1:]}
    for side, (report, predictions) in enumerate(
        ((DIAGNOSIS.uncalibrated, HARD.test), (DIAGNOSIS.scaled, DIAGNOSIS.fitted.transform(HARD.test)))
    ):
        assert report == calib.evaluate(predictions)
        for name, value in {
            "accuracy": report.accuracy,
            "NLL": report.nll,
            "Brier": report.brier,
            "ECE (15 bins)": report.ece,
            "expected by chance": report.ece_null,
            "MCE": report.mce,
            "smooth ECE": report.smooth_ece,
            "AURC (risk–coverage)": report.aurc,
        }.items():
            assert rows[name][side] == f"{value:.4f}"
        assert rows["true ECE, 95 % interval"][side] == f"{report.ece_low:.4f} – {report.ece_high:.4f}"


def test_the_bins_are_those_of_the_curve(one: Path) -> None:
    page = page_of(one)
    tables = [table for table in page.tables if table[0][:2] == ["confidence", "n"]]
    for table, curve in zip(tables, DIAGNOSIS.curves, strict=True):
        filled = curve.count > 0
        assert [int(row[1].replace(",", "")) for row in table[1:]] == curve.count[filled].tolist()
        assert [row[3] for row in table[1:]] == [f"{value:.3f}" for value in curve.accuracy[filled]]


def test_classes_come_by_their_share_of_the_error_with_the_numbers_of_per_class(one: Path) -> None:
    table = page_of(one).table_with("class", "gap + T")
    sides = [calib.classification_report(side).iloc[:10].set_index("name") for side in (HARD.test, DIAGNOSIS.after)]
    shares = (sides[1]["gap"].abs() * sides[1]["predicted"]).sort_values(ascending=False)  # of what is shipped
    assert [row[0] for row in table[1:]] == shares.index.tolist()
    for row in table[1:]:
        own, scaled = (side.loc[row[0]] for side in sides)
        assert [cell.removeprefix("* ") for cell in row[1:3]] == [f"{side['gap']:+.3f}" for side in (own, scaled)]
        assert row[3:5] == [f"{side['mean_confidence']:.3f}" for side in (own, scaled)]
        assert [row[5], row[7]] == [f"{own['precision']:.3f}", f"{own['recall']:.3f}"]
        assert row[8:] == [str(own["n"]), str(own["predicted"])]


def test_classes_outside_their_interval_are_marked_and_counted_before_and_after(one: Path) -> None:
    page = page_of(one)
    rows = page.table_with("class", "gap + T")[1:]
    counts = []
    for gap, confidence in ((1, 3), (2, 4)):
        outside = []
        for row in rows:
            low, high = map(float, row[6].split(" – "))
            outside.append(not low <= float(row[confidence]) <= high)
            assert row[gap].startswith("* ") == outside[-1]
        counts.append(sum(outside))
    assert counts[0] > counts[1]
    said = f"Of 10 predicted classes {counts[0]} as it is and {counts[1]} with the temperature claim a mean confidence"
    assert said in page.words
    assert "by chance about 0.5 would" in page.words


def test_risk_coverage_sensitivity_and_slope_are_their_functions_values(one: Path) -> None:
    page = page_of(one)
    cells = {row[0].strip(): row[1:] for table in page.tables for row in table if len(row) == 3}
    curve = calib.risk_coverage(HARD.test)
    assert cells["wrong among the most confident 80%"][0] == f"{curve.risk_at(0.8):.2%}"
    assert cells["can be answered with 5% wrong at most"][0] == f"{curve.coverage_at(0.05):.1%}"
    surest_first = np.sort(HARD.test.outcomes.confidence)[::-1]
    threshold = surest_first[int(np.ceil(0.8 * HARD.test.n)) - 1]
    assert cells["confidence from which 80% are answered"][0] == f"{threshold:.4f}"
    line = calib.calibration_slope_intercept(HARD.test)
    (rows,) = [table[1:7] for table in page.tables if len(table) > 1 and table[1][0] == "calibration slope"]
    pairs = (
        (line.slope, line.slope_interval),
        (line.intercept, line.intercept_interval),
        (line.in_the_large, line.in_the_large_interval),
    )
    expected = [text for value, (low, high) in pairs for text in (f"{value:.3f}", f"{low:.3f} to {high:.3f}")]
    assert [row[1].replace("\u00a0", " ") for row in rows] == expected
    assert cells["p-value of calibration (ECE)"][0] == "≤ 0.001"
    assert calib.calibration_p_value(HARD.test) == 1 / 1001  # none of the draws is so far off
    assert cells["p-value of calibration (ECE)"][1] == f"{calib.calibration_p_value(DIAGNOSIS.after):.2g}"


def test_other_bins_and_the_tile_of_ece_hold_each_side_against_its_own_chance(one: Path) -> None:
    page = page_of(one)
    table = page.table_with("bins", "by chance")
    assert table[0] == ["bins", "uncalibrated", "by chance", "temperature", "by chance"]
    for side, predictions in enumerate((HARD.test, DIAGNOSIS.after)):
        expected = ece_sensitivity(predictions)
        for column, name in enumerate(("ece", "ece_null"), start=1 + 2 * side):
            assert [row[column] for row in table[1:]] == [f"{value:.4f}" for value in expected[name]]
    before, after = DIAGNOSIS.uncalibrated, DIAGNOSIS.scaled
    assert f"by chance {before.ece_null:.3f} → {after.ece_null:.3f}; 95 % interval" in page.words
    drawing = page.source[page.source.index('id="sensitivity"') :].partition("</svg>")[0]
    assert "uncalibrated, by chance" in drawing
    assert "with the temperature, by chance" in drawing


def test_the_most_confident_mistakes_are_wrong_and_nothing_wrong_is_surer() -> None:
    outcomes = HARD.test.outcomes
    rows = most_confident_mistakes(outcomes, 5)
    assert not outcomes.correct[rows].any()
    others = np.setdiff1d(np.flatnonzero(~outcomes.correct), rows)
    assert outcomes.confidence[rows].min() >= outcomes.confidence[others].max()
    assert (np.diff(outcomes.confidence[rows]) <= 0).all()


def test_the_mistakes_are_shown_with_label_prediction_and_both_confidences(one: Path) -> None:
    table = page_of(one).table_with("example", "with T")
    outcomes, scaled = HARD.test.outcomes, DIAGNOSIS.after.outcomes
    for row in table[1:]:
        i = int(row[0])
        assert row[1:3] == [str(HARD.test.labels[i]), str(outcomes.predicted[i])]
        assert row[3:] == [f"{outcomes.confidence[i]:.4f}", f"{scaled.confidence[i]:.4f}"]
    assert len(table) == 25


def test_several_models_have_a_row_each_and_differences_on_the_same_examples(two: Path) -> None:
    page = page_of(two)
    smoothed = calib.load_example("digits-resnet8-smoothed")
    scores = score_table({"h": DIAGNOSIS, "s": calib.diagnose(smoothed.test, smoothed.calibration)})
    table = page.table_with("accuracy", "true ECE, 95 %")
    assert [row[2] for row in table[1:]] == [f"{value:.4f}" for value in scores["nll"]]
    assert [row[4] for row in table[1:]] == [f"{value:.4f}" for value in scores["ece"]]
    (differences,) = [table for table in page.tables if table[0] == ["", "accuracy", "NLL", "Brier", "ECE"]]
    rows = {row[0]: row[1:] for row in differences}
    interval = calib.ece_difference_interval(smoothed.test, HARD.test)
    nll = calib.mean_interval(smoothed.test.outcomes.nll - HARD.test.outcomes.nll)
    assert rows["digits-resnet8-smoothed"][3] == f"{interval.estimate:+.4f}"
    below = differences[[row[0] for row in differences].index("digits-resnet8-smoothed") + 1]
    assert below[4] == f"{interval.low:+.4f} to {interval.high:+.4f}"
    assert below[2] == f"{nll.low:+.4f} to {nll.high:+.4f}"


def test_the_best_model_is_the_one_of_lowest_nll_and_ties_are_said(two: Path) -> None:
    words = page_of(two).words
    smoothed = calib.load_example("digits-resnet8-smoothed")
    both = {"digits-resnet8-hard": DIAGNOSIS, smoothed.name: calib.diagnose(smoothed.test, smoothed.calibration)}
    best, other = sorted(both, key=lambda name: both[name].scaled.nll)
    assert f"{best} + T is best ({both[best].scaled.nll:.4f})" in words
    gap = calib.mean_interval(both[other].after.outcomes.nll - both[best].after.outcomes.nll)
    assert ("others may be as good" in words) == (gap.low <= 0)


def test_the_provenance_names_data_by_hash_and_code_by_version(one: Path) -> None:
    cells = {row[0]: row[1] for table in page_of(one).tables for row in table if len(row) == 2}
    assert cells["test SHA-256"] == content_hash(HARD.test)
    assert cells["calibration SHA-256"] == content_hash(HARD.calibration)
    assert cells["checkpoint SHA-256"] == HARD.provenance["checkpoint_sha256"]
    assert cells["test data"] == "n = 797, 10 classes, logits in float16"
    assert cells["calib"] == f"{calib.__version__}, commit {commit()}"
    assert f"numpy {np.__version__}" in cells["on"]
    assert cells["command"] == HARD.provenance["command"]
    assert "label_noise 0.4" in cells["config"]


def test_the_caption_names_the_bin_that_adds_most_to_the_error(one: Path) -> None:
    curve = DIAGNOSIS.curves[0]
    parts = [0.0 if n == 0 else n * abs(gap) for n, gap in zip(curve.count.tolist(), curve.gap.tolist(), strict=True)]
    worst = parts.index(max(parts))
    said = f"between {worst / 15:.2f} and {(worst + 1) / 15:.2f}: {curve.count[worst]:,} examples, overconfident by"
    assert said in page_of(one).words
    wrong = ~HARD.test.outcomes.correct
    sure = (HARD.test.outcomes.confidence[wrong] > 0.9).mean()
    assert f"Of {wrong.sum():,} wrong answers {sure:.1%} claim more than 0.9" in page_of(one).words
