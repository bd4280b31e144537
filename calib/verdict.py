"""The comparison of smoothing and temperature in sentences that name their evidence."""

from typing import TYPE_CHECKING

from calib.tables import CALIBRATORS, settings

if TYPE_CHECKING:
    import pandas as pd


def comparison_verdict(scores: "pd.DataFrame") -> str:
    """Say what a temperature does to hard-target networks, what smoothing does without one, and which wins by NLL.

    Takes a `calib.score_table`.  Runs are compared seed by seed within one setting; nothing is chosen by its test
    score.  Without a hard and a smoothed run of the same seed it says what is missing.
    """
    sentences: list[str] = []
    if "smoothing" in scores:
        others = [name for name in settings(scores) if name not in ("model", "smoothing")]
        groups = [group for _, group in scores.groupby(others, sort=False, dropna=False)] if others else [scores]
        sentences = [sentence for group in groups for sentence in _sentences(group)]
    if not sentences:
        return "No verdict: comparing needs a hard-target run (smoothing 0) and a smoothed one with the same seed."
    return " ".join(sentences)


def _sentences(group: "pd.DataFrame") -> list[str]:
    """The verdict on one setting: hard targets against each α, paired by seed."""
    hard, tuned = (_arm(group, 0.0, calibrator) for calibrator in CALIBRATORS)
    smoothed = {alpha: _arm(group, alpha, "uncalibrated") for alpha in sorted(set(group["smoothing"]) - {0.0})}
    smoothed = {alpha: arm for alpha, arm in smoothed.items() if not arm.index.intersection(hard.index).empty}
    if hard.empty or not smoothed:
        return []
    by_alpha = " and ".join(
        f"{arm['ece'].mean():.3f} at α = {alpha:g} ({_direction(arm)}; {_better(arm, hard)})"
        for alpha, arm in smoothed.items()
    )
    pairs = [difference for arm in smoothed.values() for difference in (arm["nll"] - tuned["nll"]).dropna()]
    losses = ", ".join(f"{arm['nll'].mean():.3f}" for arm in smoothed.values())
    return [
        f"{_lead(hard, tuned, list(smoothed.values()))}: hard targets alone have ECE {hard['ece'].mean():.3f} "
        f"({_direction(hard)}), a temperature of {tuned['temperature'].mean():.2f} makes it {tuned['ece'].mean():.3f} "
        f"({_better(tuned, hard)}), smoothing without one {by_alpha}.",
        f"By NLL hard targets with a temperature ({tuned['nll'].mean():.3f}) beat smoothing alone ({losses}) in "
        f"{sum(difference > 0 for difference in pairs)} of {len(pairs)} pairs of runs.",
    ]


def _lead(hard: "pd.DataFrame", tuned: "pd.DataFrame", smoothed: "list[pd.DataFrame]") -> str:
    """The finding in a few words; a cure works, or harms, only if it does so in every seed."""
    works = (_change(tuned, hard) < 0).all()
    if works and any((_change(arm, hard) < 0).all() for arm in smoothed):
        return "Both cures work here"
    if all((_change(arm, hard) > 0).all() for arm in smoothed):
        return "A temperature works here and smoothing harms" if works else "Smoothing harms calibration here"
    return "A temperature works here, smoothing is in doubt" if works else "The evidence is mixed"


def _change(arm: "pd.DataFrame", reference: "pd.DataFrame") -> "pd.Series[float]":
    """The difference in ECE, seed by seed."""
    return (arm["ece"] - reference["ece"]).dropna()


def _better(arm: "pd.DataFrame", reference: "pd.DataFrame") -> str:
    change = _change(arm, reference)
    return f"better in {int((change < 0).sum())} of {len(change)} {'seed' if len(change) == 1 else 'seeds'}"


def _arm(group: "pd.DataFrame", smoothing: float, calibrator: str) -> "pd.DataFrame":
    chosen = (group["smoothing"] == smoothing) & (group["calibrator"] == calibrator)
    return group[chosen].set_index("seed")


def _direction(arm: "pd.DataFrame") -> str:
    gap = arm["gap"].mean()
    return f"{'over' if gap > 0 else 'under'}confident by {abs(gap):.3f}"
