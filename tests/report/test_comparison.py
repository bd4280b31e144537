"""What is said of several models, and of groups, follows from their numbers."""

import numpy as np
import pytest

import calib
from calib.errors import InputError
from calib.group_report import group_report, groups_verdict
from calib.predictions import Predictions
from calib.report.classes import groups_section
from calib.report.comparison import comparison_part
from calib.report.parts import Verdict
from calib.report.subject import Subject

RNG = np.random.default_rng(0)
TRUE = RNG.normal(0, 2, (4000, 4))
LABELS = (TRUE + RNG.gumbel(size=TRUE.shape)).argmax(1)


def subject(name: str, logits: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> Subject:
    return Subject(name, calib.diagnose(Predictions.from_logits(logits, LABELS)), source=f"{name}.npz")


def verdict(*subjects: Subject) -> Verdict:
    found = comparison_part(subjects).verdict
    assert found is not None
    return found


GOOD, SURE = subject("good", TRUE), subject("sure", 3 * TRUE)
NOISY = subject("noisy", 2 * (TRUE + RNG.normal(0, 2, TRUE.shape)))


def test_a_model_that_is_clearly_best_is_named_and_shipped_as_it_is() -> None:
    found = verdict(NOISY, GOOD)
    assert found.headline.startswith("Lowest NLL: good")  # its own temperature makes no difference
    assert found.advice == "Ship good, its scores as they are."
    assert found.commands == []
    assert [number.name for number in found.numbers] == ["noisy", "good"]


def test_a_temperature_that_makes_the_difference_comes_with_its_commands() -> None:
    found = verdict(SURE, NOISY)
    assert (found.headline, found.tone) == ("Best: sure + T (cross-fitted)", "good")
    assert found.advice == f"Ship sure, {SURE.diagnosis.paste} for other examples, here new.npz:"
    assert found.commands[0] == "calib calibrate sure.npz -o calibrator.json"
    assert found.commands[1] == "calib apply calibrator.json new.npz -o calibrated.npz"


def test_what_may_be_as_good_is_said() -> None:
    found = verdict(GOOD, subject("twin", TRUE + RNG.normal(0, 0.02, TRUE.shape)))
    assert found.tone == "unsure"
    assert found.headline.endswith("but others may be as good")
    assert "which cannot be told from 0" in found.sentence


def test_of_many_models_the_next_best_are_told_in_words_and_all_in_the_table() -> None:
    part = comparison_part([GOOD, SURE, NOISY, subject("soft", 0.5 * TRUE)])
    assert part.verdict is not None
    assert part.verdict.sentence.count(" worse (") == 5
    assert len(part.sections[0].tables[0].rows) == 8


def test_models_on_other_examples_are_not_paired() -> None:
    fewer = Subject("fewer", calib.diagnose(Predictions.from_logits(TRUE[:500], LABELS[:500])))
    part = comparison_part([GOOD, fewer])
    numbers, _, differences, _ = part.sections
    assert part.verdict is not None
    assert "not judged on the same examples" in part.verdict.sentence
    assert part.verdict.headline == "Judged on different examples: none can be called the best"
    assert part.verdict.commands == []
    assert numbers.text[0].endswith("good n = 4,000, fewer n = 500.")
    assert "no paired differences" in differences.text[0]
    assert differences.tables == ()


def test_models_whose_nll_is_infinite_are_ranked_by_brier() -> None:
    certain, labels = np.eye(3)[np.arange(60) % 3], (np.arange(60) // 2) % 3
    named = {"a": Predictions.from_probs(np.roll(certain, 1, 1), labels)}
    named["b"] = Predictions.from_probs(certain, labels)
    found = verdict(*(Subject(name, calib.diagnose(predictions)) for name, predictions in named.items()))
    best = min(named, key=lambda name: calib.brier(named[name]))
    assert found.sentence.startswith(f"By Brier score, which rewards calibration and accuracy together, {best} is best")


def test_groups_are_those_of_the_group_report() -> None:
    groups = np.where(TRUE[:, 0] > 0, "a", "b")
    section = groups_section(Subject("m", SURE.diagnosis, groups=("side", groups)), "")
    table = group_report(SURE.diagnosis, groups)
    (shown,) = section.tables
    assert section.heading == "Groups by side"
    assert section.text == [groups_verdict(table, SURE.diagnosis.label)]
    before = table[table["calibrator"] == "uncalibrated"]
    assert [row[0] for row in shown.rows] == ["a", "b"]
    assert [row[3] for row in shown.rows] == [f"{value:.4f}" for value in before["ece"]]
    assert [row[7] for row in shown.rows] == [f"{value:.4f}" for value in table["ece"][1::2]]


def test_groups_of_another_number_are_refused() -> None:
    with pytest.raises(InputError, match="groups must have shape"):
        Subject("m", SURE.diagnosis, groups=("side", np.zeros(3)))
