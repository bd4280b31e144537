"""Every column of the study tables, computed again from what the runs saved; and every question the right way round."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from calib.calibrators.p_norm import MaxLogitPNorm
from calib.calibrators.temperature import TemperatureScaling
from calib.inference import predict_part
from calib.metrics.accuracy import accuracy
from calib.metrics.binned import ece
from calib.metrics.proper import nll
from calib.metrics.ranking import aurc, auroc, e_aurc, risk_coverage
from calib.predictions import Predictions
from calib.studies import distillation, selective_prediction, two_routes, wrong_labels
from calib.studies._contrasts import contrast_table
from calib.studies.distillation_questions import SCORES, contrasts
from calib.studies.teacher_information import PASSES, Probe
from calib.studies.train_all import grid
from calib.studies.write_distillation import chart, readable_students, readable_teachers
from calib.studies.write_wrong_labels import chart as noise_chart
from calib.training.checkpoint import load_checkpoint
from calib.training.config import TrainConfig

from .networks import trained

BASE = TrainConfig(dataset="digits", width=3, epochs=5, train_size=128)


def saved(run: Path) -> tuple[Predictions, Predictions, Predictions]:
    """The test predictions as they are and with the temperature of the calibration split, and that split."""
    calibration, test = (Predictions.load(run / f"{name}.npz") for name in ("calibration", "test"))
    return test, TemperatureScaling.fit(calibration).transform(test), calibration


def history(run: Path) -> pd.DataFrame:
    return pd.read_csv(run / "history.csv")


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[distillation.Setting, Path]:
    setting = replace(
        distillation.SETTINGS["digits"],
        teacher=BASE,
        student=replace(BASE, distillation_weight=1.0),
        smoothing=(0.0, 0.3),
        temperatures=(1.0, 3.0),
        seeds=1,
    )
    folder = tmp_path_factory.mktemp("taught")
    trained(distillation.teachers(setting), folder)
    trained(distillation.students(setting, folder), folder)
    return setting, folder


def test_distillation_is_recomputed(taught: tuple[distillation.Setting, Path]) -> None:
    setting, folder = taught
    table = distillation.distillation_table(setting, folder)
    assert table["kind"].tolist() == ["teacher"] * 2 + ["no teacher"] * 2 + ["student"] * 4
    for row in table.to_dict("records"):
        test, scaled, _ = saved(folder / row["run"])
        for column, value in (
            ("accuracy", accuracy(test)),
            ("nll", nll(test)),
            ("ece", ece(test)),
            ("nll_tuned", nll(scaled)),
            ("n", test.n),
        ):
            assert row[column] == pytest.approx(value, rel=1e-9), column
    for alpha in setting.smoothing:
        name = f"{'hard' if alpha == 0 else 'smoothing0.3'}-seed0"
        teacher = load_checkpoint(folder / "teachers" / name / "checkpoint.pt")
        seen = predict_part(teacher, "train")  # nothing is augmented here
        for temperature in setting.temperatures:
            p = TemperatureScaling(temperature).transform(seen).probs
            gamma = 10 / 9 * (1 - p[np.arange(len(p)), seen.labels].mean())
            chosen = table[(table["smoothing"] == alpha) & (table["teacher_temperature"] == temperature)]
            assert chosen["equivalent_smoothing"].tolist() == [pytest.approx(gamma, rel=1e-6)]
        draws, means = Probe.of(teacher, setting.classes).gaps(teacher)
        spread = np.mean((draws - means) ** 2)
        assert spread < 1e-9  # without augmentation an image says which it is
        (known,) = table[(table["kind"] == "teacher") & (table["smoothing"] == alpha)].to_dict("records")
        assert known["information"] == pytest.approx(np.log(len(draws)), abs=0.2)
        assert known["equivalent_smoothing"] == alpha


def test_augmented_students_see_augmented_teachers(taught: tuple[distillation.Setting, Path]) -> None:
    _, folder = taught
    teacher = load_checkpoint(folder / "teachers" / "hard-seed0" / "checkpoint.pt")
    still, moved = (distillation.taught(teacher, replace(BASE, shift=shift)) for shift in (0, 1))
    assert (still.n, moved.n) == (128, PASSES * 128)
    np.testing.assert_allclose(still.values, predict_part(teacher, "train").values, atol=1e-4)
    assert nll(moved) > nll(still)


def test_distillation_asks_what_it_says(taught: tuple[distillation.Setting, Path]) -> None:
    setting, _ = taught
    kinds = [("teacher", np.nan), ("no teacher", np.nan), ("student", 1.0), ("student", 3.0)]
    levels = {"teacher": 100.0, "no teacher": 10.0, "student": 1.0}
    rows: list[dict[str, Any]] = [
        {
            "kind": kind,
            "smoothing": alpha,
            "teacher_temperature": temperature,
            "seed": seed,
            "accuracy": levels[kind] * (1 + alpha) + (0 if np.isnan(temperature) else temperature) / 100 + 1e-4 * seed,
            "nll_tuned": 0.5,
        }
        for seed in (0, 1)
        for alpha in setting.smoothing
        for kind, temperature in kinds
    ]
    found = contrast_table(pd.DataFrame(rows), contrasts(setting), SCORES)
    measured = found[found["score"] == "accuracy"].set_index("question")
    expected = {
        "student of hard, T = 1 − no teacher, hard": 1.01 - 10,
        "teacher, α = 0.3 − teacher, hard": 130 - 100,
        "student of α = 0.3, T = 1 − student of hard, T = 1": 0.3,
        "student of α = 0.3, T = 1 − no teacher, α = 0.3": 1.31 - 13,
        "student of α = 0.3, T = 3 − T = 1": 0.02,
    }
    assert measured["difference"].to_dict() == pytest.approx(expected, abs=1e-9)
    assert measured["better"].to_dict() == {question: 2 * (value > 0) for question, value in expected.items()}
    assert set(found[found["score"] == "NLL + T"]["difference"]) == {0.0}


def test_the_chart_and_tables_of_distillation_hold_their_own_rows(
    taught: tuple[distillation.Setting, Path],
) -> None:
    setting, folder = taught
    table = distillation.distillation_table(setting, folder)
    assert readable_teachers(table)["network"].tolist() == ["teacher, hard", "teacher, α = 0.3"]
    assert len(readable_students(table)) == 6
    lines = [line for line in chart(table).axes[0].lines if line.get_label() == "_runs"]
    points = np.concatenate([np.asarray(line.get_xydata()) for line in lines])
    expected = table[["equivalent_smoothing", "accuracy"]].to_numpy()
    np.testing.assert_allclose(points[np.lexsort(points.T)], expected[np.lexsort(expected.T)])


def test_wrong_labels_are_recomputed(tmp_path: Path) -> None:
    noises = (wrong_labels.Noise(), wrong_labels.Noise("symmetric", 0.4))
    setting = wrong_labels.Setting(BASE, noises, smoothing=(0.0, 0.2), seeds=1)
    trained(wrong_labels.configs(setting), tmp_path)
    found = {noise.name: wrong_labels.compare_noise(noise, setting, tmp_path) for noise in noises}
    table = wrong_labels.overview(found, tmp_path)
    assert len(table) == 4
    for row in table.to_dict("records"):
        run = tmp_path / row["noise"] / row["run"]
        test, scaled, calibration = saved(run)
        few = TemperatureScaling.fit(calibration[np.random.default_rng(0).permutation(calibration.n)[:200]])
        done = json.loads((run / "done.json").read_text())
        for column, value in (
            ("accuracy", accuracy(test)),
            ("nll", nll(test)),
            ("ece", ece(test)),
            ("aurc", aurc(test)),
            ("nll_T", nll(scaled)),
            ("ece_T", ece(scaled)),
            ("ece_few", ece(few.transform(test))),
            ("temperature", 1 / float(np.asarray(scaled.beta))),
            ("wrong_labels", done["wrong_labels"] / 128),
        ):
            assert row[column] == pytest.approx(value, rel=1e-9), column
        noisy = TemperatureScaling(row["temperature_noisy"]).transform(test)
        assert row["nll_noisy"] == pytest.approx(nll(noisy), rel=1e-9)
        assert row["ece_noisy"] == pytest.approx(ece(noisy), rel=1e-9)
    names = {"accuracy": "accuracy", "ECE": "ece", "ECE + T": "ece_T", "ECE + noisy T": "ece_noisy"}
    for ax in noise_chart(table).axes:
        drawn = [np.asarray(line.get_ydata(), dtype=float) for line in ax.lines if line.get_label() == "_runs"]
        assert sorted(np.concatenate(drawn)) == pytest.approx(sorted(table[names[ax.get_ylabel()]]))


def test_selective_prediction_is_recomputed(tmp_path: Path) -> None:
    runs = trained(grid(BASE, smoothing=(0.0, 0.2), seeds=(0,)), tmp_path)
    result = selective_prediction.rank_runs(runs, risk=0.1, coverage=0.7)
    for row, curve in zip(result.table.to_dict("records"), result.curves, strict=True):
        test, scaled, calibration = saved(Path(row["run"]))
        outcomes = {
            "softmax": test.outcomes,
            "softmax + T": scaled.outcomes,
            "p-norm": MaxLogitPNorm.fit(calibration).rank(test),
        }[row["ranking"]]
        expected = risk_coverage(outcomes)
        for column, value in (
            ("accuracy", accuracy(test)),
            ("auroc", auroc(outcomes)),
            ("aurc", aurc(outcomes)),
            ("e_aurc", e_aurc(outcomes)),
            ("coverage_at_risk", expected.coverage_at(0.1)),
            ("risk_at_coverage", expected.risk_at(0.7)),
        ):
            assert row[column] == pytest.approx(value, rel=1e-9), column
        np.testing.assert_array_equal(curve.risk, expected.risk)


def test_selective_prediction_asks_what_it_says() -> None:
    values = {("hard", "softmax"): 1.0, ("hard", "softmax + T"): 2.0, ("hard", "p-norm"): 4.0}
    values |= {("α = 0.2", ranking): 10 * value for (_, ranking), value in values.items()}
    rows = [
        {"setting": "s", "model": model, "smoothing": 0.2 if "α" in model else 0.0, "ranking": ranking, "seed": seed}
        | {"aurc": value + 1e-3 * seed, "coverage_at_risk": value, "risk": 0.05}
        for (model, ranking), value in values.items()
        for seed in (0, 1)
    ]
    table = pd.DataFrame(rows)
    found = contrast_table(table, selective_prediction.contrasts(table), selective_prediction.scores(table))
    expected = {
        "(hard, p-norm) − (hard, softmax)": 3.0,
        "(α = 0.2, softmax) − (hard, softmax)": 9.0,
        "(α = 0.2, softmax + T) − (α = 0.2, softmax)": 10.0,
        "(α = 0.2, p-norm) − (α = 0.2, softmax)": 30.0,
        "(α = 0.2, p-norm) − (hard, softmax)": 39.0,
    }
    by = found.set_index(["score", "question"])["difference"]
    assert by["AURC"].to_dict() == pytest.approx(expected)
    better = found.set_index(["score", "question"])["better"]
    assert set(better["AURC"]) == {0}  # more is worse
    assert set(better["coverage at 5 % risk"]) == {2}


def test_two_routes_are_recomputed(tmp_path: Path) -> None:
    setting = two_routes.Setting(replace(BASE, smoothing=0.1), seeds=2)
    trained(two_routes.configs(setting), tmp_path)
    table = two_routes.route_table(setting, tmp_path)
    for row in table.to_dict("records"):
        test, scaled, _ = saved(tmp_path / row["run"])
        last = history(tmp_path / row["run"]).iloc[-1]
        log_p = np.log(test.probs)
        smoothed = -(0.9 * log_p[np.arange(test.n), test.labels] + 0.1 * log_p.mean(axis=1)).mean()
        for column, value in (
            ("train_loss", last["loss"]),
            ("train_accuracy", last["accuracy"]),
            ("accuracy", accuracy(test)),
            ("nll", nll(test)),
            ("smoothed_loss", smoothed),
            ("ece", ece(test)),
            ("temperature", 1 / float(np.asarray(scaled.beta))),
        ):
            assert row[column] == pytest.approx(value, rel=1e-6), column
    agreement = two_routes.agreement_table(setting, tmp_path)
    (seeds,) = agreement[agreement["differ in"] == "seed"].to_dict("records")
    one, other = (saved(tmp_path / f"loss-argument-seed{seed}")[0] for seed in (0, 1))
    assert seeds["same_answer"] == (one.probs.argmax(axis=1) == other.probs.argmax(axis=1)).mean()
    assert seeds["probability"] == pytest.approx(np.abs(one.probs - other.probs).sum(axis=1).mean() / 2)
    losses = [history(tmp_path / f"loss-argument-seed{seed}")["loss"].iloc[0] for seed in (0, 1)]
    assert seeds["first_epoch"] == pytest.approx(abs(losses[0] - losses[1]))
