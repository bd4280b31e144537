"""The verdict says which way a model is off, what its average hides, and which command mends it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import calib
from calib.errors import InputError
from calib.predictions import Predictions
from calib.report.parts import Section, Verdict, section_or_reason
from calib.report.subject import Subject
from calib.report.verdicts import verdict_on


def drawn(scale: float, n: int = 3000, k: int = 4, seed: int = 3) -> Predictions:
    """Logits that are ``scale`` times those the labels were drawn from."""
    rng = np.random.default_rng(seed)
    true = rng.normal(0, 2, (n, k))
    return Predictions.from_logits(scale * true, (true + rng.gumbel(size=true.shape)).argmax(1))


def verdict(predictions: Predictions, calibration: Predictions | None = None, source: str | None = "p.npz") -> Verdict:
    return verdict_on(Subject("m", calib.diagnose(predictions, calibration), source=source))


@pytest.mark.parametrize(
    ("scale", "headline", "tone"),
    [
        (1.0, "Calibrated, as far as 3,000 examples can tell", "good"),
        (0.4, "Not calibrated: underconfident", "bad"),
        (2.5, "Not calibrated: overconfident", "bad"),
    ],
)
def test_the_headline_says_which_way_it_is_off(scale: float, headline: str, tone: str) -> None:
    found = verdict(drawn(scale))
    assert (found.headline, found.tone) == (headline, tone)
    assert ("Ship it as it is: softmax(logits)." in found.advice) == (scale == 1.0)
    assert bool(found.commands) == (scale != 1.0)


def test_the_commands_fit_and_apply_and_name_the_calibration_file() -> None:
    diagnosis = calib.diagnose(drawn(2.5), drawn(2.5, seed=4))
    assert not calib.diagnose(drawn(2.5), drawn(2.5, seed=4)).cross_fitted
    own = verdict_on(Subject("m", diagnosis, source="'my runs/a'"))
    assert own.commands[:2] == [
        "calib calibrate 'my runs/a' -o calibrator.json",
        "calib apply calibrator.json 'my runs/a' -o calibrated.npz",
    ]
    held_out = verdict_on(Subject("m", diagnosis, source="t.npz", calibration_source="c.npz"))
    assert held_out.commands[0] == "calib calibrate c.npz -o calibrator.json"
    in_memory = verdict_on(Subject("m", diagnosis))
    assert in_memory.commands[0].startswith(f"calib.TemperatureScaling({diagnosis.fitted.temperature:.4g})")


def test_a_temperature_is_never_fitted_by_command_on_the_examples_it_is_applied_to() -> None:
    test = drawn(2.5)
    plain = verdict(test)
    assert plain.commands == [
        "calib calibrate p.npz -o calibrator.json",
        "calib apply calibrator.json new.npz -o calibrated.npz",
    ]
    assert plain.advice.endswith(" for other examples, here new.npz:")
    assert any("new.npz stands for these" in note for note in plain.notes)
    official = replace(test, provenance={"split": "test"})
    found = verdict(official, source="w.pt --dataset cifar10")
    assert found.commands == [
        "calib calibrate held-out.npz -o calibrator.json",
        "calib apply calibrator.json w.pt --dataset cifar10 -o calibrated.npz",
    ]
    assert "T fitted anew on held-out.npz" in found.advice
    assert any("held-out.npz stands for their predictions" in note for note in found.notes)
    assert verdict(official, source=None).commands == ["calib.TemperatureScaling.fit(held_out).transform(predictions)"]
    subject = Subject("m", calib.diagnose(official), source="w.pt", held_out="calib predict w.pt -o held-out.npz")
    assert verdict_on(subject).commands[0] == "calib predict w.pt -o held-out.npz"


def test_groups_that_one_temperature_does_not_serve_are_told_to_have_their_own() -> None:
    groups = np.repeat(["a", "b"], 3000)
    over, under = drawn(3.0), drawn(0.6)
    both = Predictions.from_logits(np.vstack([over.values, under.values]), np.append(over.labels, under.labels))
    subject = Subject("m", calib.diagnose(both), source="p.csv --from logits", groups=("my site", groups))
    found = verdict_on(subject)
    assert found.advice.startswith("One temperature for all leaves groups miscalibrated. Ship one temperature for each")
    assert found.commands == [
        "calib calibrate p.csv --from logits --group-by 'my site' -o calibrator.json",
        "calib apply calibrator.json new.csv -o calibrated.csv",
    ]
    alike = replace(subject, diagnosis=calib.diagnose(over), groups=("my site", np.arange(over.n) % 2))
    assert "--group-by" not in " ".join(verdict_on(alike).commands)


def test_labels_of_probability_0_are_the_reason_and_more_examples_are_no_cure() -> None:
    sure = drawn(2.5).probs.copy()
    sure[0] = np.eye(sure.shape[1])[0]
    labels = np.append(1, drawn(2.5).labels[1:])
    found = verdict_on(Subject("m", calib.diagnose(Predictions.from_probs(sure, labels)), source="p.csv"))
    assert "none mends 1 labels of probability 0" in found.sentence
    assert found.advice.startswith("Save more decimals, or the logits")
    assert found.commands == ["calib compare-calibrators p.csv"]
    assert not any("to ship" in note for note in found.notes)


def test_two_classes_whose_errors_cancel_are_not_called_calibrated() -> None:
    rng = np.random.default_rng(0)
    claimed = rng.uniform(size=2000)
    labels = (rng.random(2000) < claimed**2).astype(int)
    predictions = Predictions.from_probs(claimed, labels, class_names=["well", "ill"])
    assert calib.diagnose(predictions).verdict.startswith("No miscalibration can be told")
    found = verdict(predictions)
    assert (found.headline, found.tone) == ("Not calibrated class by class, though it is on average", "bad")
    assert f"P(ill) is off by an ECE of {calib.ece(predictions, of=1):.3f}" in found.sentence
    assert "Ship it as it is" not in found.advice
    assert found.commands == ["calib compare-calibrators p.npz"]


def test_classes_that_are_off_beyond_chance_are_told_of_many_too() -> None:
    predictions = drawn(1.0, n=20_000, k=5)
    tilted = predictions.values + np.array([0.5, -0.5, 0.0, 0.0, 0.0])  # one class claimed too often, one too rarely
    found = verdict(Predictions.from_logits(tilted, predictions.labels))
    assert "predicted classes claim a mean confidence outside" in found.sentence
    assert found.tone == "bad"
    assert "predicted classes claim" not in verdict(predictions).sentence


def test_calibrated_models_are_rarely_called_otherwise() -> None:
    assert sum(verdict(drawn(1.0, n=500, seed=seed)).tone != "good" for seed in range(30)) <= 5


def test_a_temperature_that_raises_nll_is_not_shipped() -> None:
    found = verdict(drawn(2.5), drawn(0.5))
    assert found.advice.startswith("Do not ship this temperature")
    assert found.commands == []


def test_without_a_temperature_there_is_no_command() -> None:
    logits = np.eye(3)[np.arange(60) % 3]
    found = verdict(Predictions.from_logits(logits, np.arange(60) % 3))
    assert (found.tone, found.commands) == ("unsure", [])
    assert "no temperature could be fitted" in found.advice


def test_what_a_reader_must_know_is_noted() -> None:
    logits = drawn(1.0)
    cross = verdict(logits)
    assert any("cross-fitted in 5 folds" in note for note in cross.notes)
    probs = verdict(Predictions.from_logits(logits.probs, logits.labels))
    assert any("are they probabilities?" in note for note in probs.notes)
    weighted = Predictions.from_logits(logits.values, logits.labels, sample_weight=np.ones(logits.n))
    assert any("weighted" in note for note in verdict(weighted).notes)


def test_a_section_that_these_predictions_do_not_allow_says_why() -> None:
    def refuse() -> Section:
        raise InputError("no weights here", help="")

    assert section_or_reason(refuse, anchor="a", heading="A").text == ["Left out: no weights here."]


def test_images_of_another_number_or_type_are_refused() -> None:
    diagnosis = calib.diagnose(drawn(1.0, n=20))
    ones: list[Any] = [np.ones(shape, np.uint8) for shape in ((), (19, 8, 8), (20, 8, 8, 2))]
    for images in (*ones, np.zeros((20, 8, 8))):
        with pytest.raises(InputError, match="images must be uint8"):
            Subject("m", diagnosis, images=images)
    for shape in ((20, 8, 9), (20, 8, 9, 3), (20, 8, 9, 1), (20, 1, 8, 9), (20, 3, 8, 9)):
        image = Subject("m", diagnosis, images=np.full(shape, 7, np.uint8)).pixels(3)
        assert image.shape == (8, 9, 3)
