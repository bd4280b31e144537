"""docs/choosing.md quotes the studies; here each of its own numbers is computed again from their committed runs."""

from pathlib import Path

import pandas as pd

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = " ".join((DOCS / "choosing.md").read_text(encoding="utf-8").split())
STUDIES = DOCS / "studies"


def short(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}".lstrip("0")


def test_the_tie_by_ece_is_that_of_the_study() -> None:
    table = pd.read_csv(STUDIES / "smoothing-versus-temperature" / "comparison.csv")
    ece, temperature = (
        {(row["smoothing"], row["calibrator"]): row[name] for row in table.to_dict("records")}
        for name in ("ece", "temperature")
    )
    hard, scaled = short(ece[0.0, "uncalibrated"]), short(ece[0.0, "temperature"])
    assert f"hard targets have ECE {hard}; a temperature of {temperature[0.0, 'temperature']:.2f}" in PAGE
    assert f"makes it {scaled}, α = .05 makes it {short(ece[0.05, 'uncalibrated'])}" in PAGE
    assert f"α = .1 has {short(ece[0.1, 'uncalibrated'])}, now from underconfidence" in PAGE
    last = short(ece[0.1, "temperature"])
    assert f"a temperature of {temperature[0.1, 'temperature']:.2f} brings it to {last}" in PAGE
    assert f"goes from ECE {short(ece[0.1, 'uncalibrated'])} to {last}" in PAGE


def test_what_smoothing_costs_is_that_of_the_study() -> None:
    table = pd.read_csv(STUDIES / "smoothing-versus-temperature" / "differences.csv")
    records = table[table["metric"] == "nll"].to_dict("records")
    nll = {(row["smoothing"], row["calibrator"]): row for row in records}
    plain = nll[0.05, "uncalibrated"]
    low, high = short(plain["seeds_low"]), short(plain["seeds_high"])
    assert f"α = .05 has {short(plain['difference'])} more NLL" in PAGE
    assert f"95 % interval over seeds {low} to {high}, worse in {plain['worse']} of {plain['seeds']}" in PAGE
    least, most = sorted(float(nll[alpha, "temperature"]["difference"]) for alpha in (0.05, 0.1))
    assert f"NLL {short(least)} to {short(most)} higher" in PAGE


def test_the_order_and_the_teaching_are_those_of_the_studies() -> None:
    ranked = pd.read_csv(STUDIES / "selective-prediction" / "selective-prediction.csv")
    softmax = ranked[ranked["ranking"] == "softmax"]
    wide = softmax.pivot(index="seed", columns="smoothing", values="aurc")
    assert {short(float((wide[alpha] - wide[0.0]).mean()), 2) for alpha in (0.05, 0.1, 0.2)} == {".01"}
    assert all((wide[alpha] > wide[0.0]).all() for alpha in (0.05, 0.1, 0.2))
    taught = pd.read_csv(STUDIES / "distillation" / "distillation.csv")
    students = taught[(taught["kind"] == "student") & (taught["teacher_temperature"] == 1)]
    accuracy = students.pivot(index="seed", columns="smoothing", values="accuracy")
    assert (accuracy[0.3] < accuracy[0.0]).all()
    assert round(100 * float((accuracy[0.0] - accuracy[0.3]).mean())) == 1


def test_where_smoothing_wins_is_that_of_the_study() -> None:
    table = pd.read_csv(STUDIES / "wrong-labels" / "wrong-labels.csv")
    mean = table[table["noise"] == "symmetric-0.4"].groupby("smoothing")[["ece", "ece_noisy"]].mean()
    hard, smoothed = (short(float(mean["ece"][alpha]), 2) for alpha in (0.0, 0.1))
    assert f"α = .1 takes ECE from {hard} to {smoothed}" in PAGE
    assert f"ECE on clean labels is {short(float(mean['ece_noisy'][0.0]), 2)} with it and {hard} without" in PAGE
