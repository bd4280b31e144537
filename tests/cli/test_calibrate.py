"""``calib calibrate``, ``apply`` and ``compare-calibrators``, and ``evaluate --calibrator``: from a fit to its use."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calib
from calib.files.calibrator_json import load_calibrator
from calib.files.npz import load_predictions

from .conftest import Run, assert_refused
from .test_evaluate import sample, save


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    return save(tmp_path / "test.npz", **sample(seed=1))


@pytest.fixture
def calibration(tmp_path: Path) -> Path:
    return save(tmp_path / "calibration.npz", **sample(n=700))


def test_what_is_fitted_is_saved_applied_and_judged(run: Run, predictions: Path, calibration: Path) -> None:
    saved, applied = predictions.with_name("c.json"), predictions.with_name("calibrated.npz")
    result = run("calibrate", calibration, "-o", saved)
    assert (result.code, result.out) == (0, f"{saved}\n")
    assert "temperature on calibration, n = 700, T = 1.923 ± 0.090" in result.err
    fitted = calib.TemperatureScaling.fit(load_predictions(calibration))
    assert load_calibrator(saved) == fitted
    assert run("apply", saved, predictions, "-o", applied).code == 0
    scaled, back = fitted.transform(load_predictions(predictions)), load_predictions(applied)
    assert (back.kind, back.beta) == ("probs", 1.0)
    np.testing.assert_allclose(calib.nll(back), calib.nll(scaled), rtol=1e-12)
    np.testing.assert_array_equal(back.labels, scaled.labels)
    result = run("evaluate", predictions, "--calibrator", saved, "--json")
    found = json.loads(result.out)
    assert (found["calibrated"]["ece"], found["calibrated"]["nll"]) == (calib.ece(scaled), calib.nll(scaled))
    assert found["uncalibrated"]["ece"] == calib.ece(load_predictions(predictions))
    assert found["warnings"] == []
    before, after = calib.evaluate(load_predictions(predictions)), calib.evaluate(scaled)
    change = f"The calibrator brings ECE {before.ece:.3f} → {after.ece:.3f}; what is left is no more than chance"
    assert found["verdict"].startswith(f"Overconfident: it claims {before.mean_confidence:.1%}")
    assert change in found["verdict"]
    for form in ("table", "markdown", "latex", "csv"):
        shown = run("evaluate", predictions, "--calibrator", saved, "--format", form)
        assert shown.code == 0
        assert "calibrated" in shown.out
        assert found["verdict"] in (shown.out if form == "table" else shown.err)


def test_a_calibrator_that_does_harm_or_nothing_is_said_to(run: Run, predictions: Path) -> None:
    saved = predictions.with_name("c.json")
    for temperature, words in ((0.3, "The calibrator does not lower NLL here"), (1.0, "changes neither NLL nor ECE")):
        calib.save_calibrator(calib.TemperatureScaling(temperature), saved)
        assert words in json.loads(run("evaluate", predictions, "--calibrator", saved, "--json").out)["verdict"]


@pytest.mark.parametrize("method", ["vector", "isotonic", "ensemble-temperature"])
def test_every_method_goes_the_same_way(run: Run, predictions: Path, calibration: Path, method: str) -> None:
    saved, applied = predictions.with_name("c.json"), predictions.with_name("calibrated.npz")
    assert run("calibrate", calibration, "--method", method, "-o", saved).code == 0
    result = run("apply", saved, predictions, "-o", applied)
    assert result.code == 0
    fitted: Any = load_calibrator(saved)
    want = fitted.transform(load_predictions(predictions))
    np.testing.assert_array_equal(load_predictions(applied).outcomes.predicted, want.outcomes.predicted)
    changed = int((want.outcomes.predicted != load_predictions(predictions).outcomes.predicted).sum())
    assert (f"the predicted class of {changed} examples is another" in result.err) == (changed > 0)


def test_a_run_is_calibrated_on_its_own_split_and_applied_to_its_test_split(
    run: Run, trained: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "c.json"
    assert run("calibrate", trained, "-o", saved).code == 0
    assert load_calibrator(saved) == calib.TemperatureScaling.fit(load_predictions(trained / "calibration.npz"))
    assert run("apply", saved, trained / "checkpoint.pt", "-o", tmp_path / "out.npz").code == 0
    assert load_predictions(tmp_path / "out.npz").n == 797
    content = json.loads(saved.read_text())
    assert content["provenance"]["split"] == "calibration"
    content["provenance"]["checkpoint_sha256"] = "0" * 64
    saved.write_text(json.dumps(content))
    assert "predictions of another checkpoint" in run("evaluate", trained, "--calibrator", saved).err


def test_judging_on_what_it_was_fitted_on_is_warned_about(run: Run, calibration: Path) -> None:
    saved = calibration.with_name("c.json")
    run("calibrate", calibration, "-o", saved)
    result = run("evaluate", calibration, "--calibrator", saved)
    assert result.code == 0
    assert "warning: the calibrator was fitted on these very examples" in result.err


def test_gates_look_at_the_calibrated_column(run: Run, predictions: Path, calibration: Path) -> None:
    saved = calibration.with_name("c.json")
    run("calibrate", calibration, "-o", saved)
    assert run("evaluate", predictions, "--calibrator", saved, "--fail-above", "calibrated.ece=0.2").code == 0
    failed = run("evaluate", predictions, "--calibrator", saved, "--fail-above", "calibrated.ece=0.0001")
    assert failed.code == 1
    assert "gate failed: calibrated ece is" in failed.err
    assert_refused(
        run("evaluate", predictions, "--calibrator", saved, "--fail-above", "temperature.ece=1"), "calibrated.ece=1"
    )


def test_no_temperature_is_an_exit_of_3_and_no_file(run: Run, tmp_path: Path) -> None:
    logits = sample()["logits"]
    separable = save(tmp_path / "s.npz", logits=logits, labels=logits.argmax(1))
    result = run("calibrate", separable, "-o", tmp_path / "c.json")
    assert result.code == 3
    assert "No temperature could be fitted: the label has the highest score" in result.err
    assert not (tmp_path / "c.json").exists()


def test_what_cannot_be_done_is_refused_before_any_work(run: Run, predictions: Path, tmp_path: Path) -> None:
    saved = tmp_path / "c.json"
    for arguments, message in (
        (("calibrate", predictions, "-o", tmp_path / "c.pkl"), "saved as .json"),
        (("calibrate", predictions, "--method", "magic", "-o", saved), "there is no method 'magic'"),
        (("calibrate", predictions, "--method", "platt", "-o", saved), "for two classes"),
        (("calibrate", tmp_path / "none.npz", "-o", saved), "does not exist"),
        (("apply", saved, predictions, "-o", tmp_path / "out.npz"), "does not exist, a calibrator was expected"),
        (("apply", predictions, predictions, "-o", tmp_path / "out.npz"), "is no saved calibrator"),
        (("apply", saved, predictions, "-o", tmp_path / "out.pkl"), "saved as .npz"),
        (("compare-calibrators", predictions, "--methods", "temperature,magic"), "there is no method 'magic'"),
    ):
        assert_refused(run(*arguments), message)
    assert list(tmp_path.glob("*.json")) == []
    run("calibrate", predictions, "-o", saved)
    assert_refused(run("calibrate", predictions, "-o", saved), "exists already")
    other = save(tmp_path / "two.npz", **sample(k=2))
    assert_refused(
        run("apply", saved, other, "-o", tmp_path / "out.npz"), "fitted on 5 classes, these predictions have 2"
    )
    assert_refused(
        run("evaluate", predictions, "--calibrator", saved, "--calibration", predictions), "give one of them"
    )


def test_all_methods_side_by_side(run: Run, predictions: Path, calibration: Path, tmp_path: Path) -> None:
    arguments = (
        "compare-calibrators",
        predictions,
        "--calibration",
        calibration,
        "--methods",
        "temperature, histogram",
    )
    table = run(*arguments)
    assert table.code == 0
    assert "test: n = 400, fitted on n = 700" in table.out
    for word in ("uncalibrated", "temperature", "histogram", "NLL change", "ECE change"):
        assert word in table.out
    found = json.loads(run(*arguments, "--json").out)
    assert [row["method"] for row in found["rows"]] == ["uncalibrated", "temperature", "histogram"]
    assert any("histogram: 700 calibration examples are few" in warning for warning in found["warnings"])
    assert run(*arguments, "--format", "latex", "-o", tmp_path / "t.tex").code == 0
    assert "histogram" in (tmp_path / "t.tex").read_text()
    refused = run("compare-calibrators", predictions, "--methods", "platt")
    assert refused.code == 3
    assert "warning: platt: not fitted: Platt scaling is for two classes" in refused.err
    assert "no method could be fitted" in refused.err
    assert "5-fold cross-fitted" in refused.out


def test_new_examples_need_no_labels(run: Run, calibration: Path, tmp_path: Path) -> None:
    saved, new = tmp_path / "c.json", tmp_path / "new.npz"
    run("calibrate", calibration, "-o", saved)
    np.savez(new, logits=sample(seed=5)["logits"])
    assert run("apply", saved, new, "-o", tmp_path / "out.npz").code == 0
    with np.load(tmp_path / "out.npz") as file:
        assert "labels" not in file.files
        np.testing.assert_allclose(file["probs"].sum(axis=1), 1)


def test_labels_of_probability_0_are_named_as_the_reason(run: Run, tmp_path: Path) -> None:
    forest = save(
        tmp_path / "f.npz", probs=np.array([[1.0, 0.0], [0.3, 0.7]] * 60), labels=np.array([1, 1] + [0, 1] * 59)
    )
    result = run("calibrate", forest, "-o", tmp_path / "c.json")
    assert result.code == 3
    assert "1 labels have probability 0" in result.err
    assert "leads a linear map astray" in run("calibrate", forest, "--method", "vector", "-o", tmp_path / "v.json").err
    assert run("compare-calibrators", save(tmp_path / "one.npz", **sample(n=3)), "--methods", "temperature").code == 2


def test_a_bare_call_shows_the_help(run: Run) -> None:
    result = run()
    assert result.code == 2
    assert result.err.startswith("Usage: ")
    assert "calibrate" in result.err
    assert "error:" not in result.err


def test_a_change_of_an_infinite_loss_is_no_interval(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.2, 0.8, 200)
    labels = (rng.random(200) < p).astype(int)
    p[0], labels[0] = 1.0, 0
    np.savez(tmp_path / "p.npz", probs=np.stack([1 - p, p], axis=1), labels=labels)
    shown = run("compare-calibrators", tmp_path / "p.npz", "--methods", "bbq")
    assert shown.code == 0, shown.err
    assert "inf …" not in shown.out
    assert "negative is better" in shown.out
