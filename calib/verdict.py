"""The comparison of smoothing and temperature in sentences that name their evidence."""

from typing import TYPE_CHECKING

from calib.tables import CALIBRATORS, replicate, settings

if TYPE_CHECKING:
    import pandas as pd


def comparison_verdict(scores: "pd.DataFrame") -> str:
    """Say what a temperature does to hard-target networks, what smoothing does without one, and which wins by NLL.

    Takes a `calib.score_table`.  Runs are compared seed by seed within one setting; no α is chosen by its test score.
    Without a hard and a smoothed run of the same seed it says what is missing.
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
    """The verdict on one setting: hard targets against each α, over the seeds that all of them have."""
    hard, tuned = (_arm(group, 0.0, calibrator) for calibrator in CALIBRATORS)
    smoothed = {alpha: _arm(group, alpha, "uncalibrated") for alpha in sorted(set(group["smoothing"]) - {0.0})}
    smoothed = {alpha: arm for alpha, arm in smoothed.items() if not arm.index.intersection(hard.index).empty}
    if hard.empty or not smoothed:
        return []
    seeds = hard.index
    for arm in smoothed.values():
        seeds = seeds.intersection(arm.index)
    if seeds.empty:
        return []
    hard, tuned = hard.loc[seeds], tuned.loc[seeds]
    smoothed = {alpha: arm.loc[seeds] for alpha, arm in smoothed.items()}
    by_alpha = " and ".join(
        f"{arm['ece'].mean():.3f} at α = {alpha:g} ({_direction(arm)}; {_better(arm, hard)})"
        for alpha, arm in smoothed.items()
    )
    pairs = [difference for arm in smoothed.values() for difference in arm["nll"] - tuned["nll"]]
    losses = ", ".join(f"{arm['nll'].mean():.3f}" for arm in smoothed.values())
    return [
        f"{'One seed only: ' if len(seeds) == 1 else ''}{_lead(hard, tuned, smoothed)}. Hard targets alone have ECE "
        f"{hard['ece'].mean():.3f} ({_direction(hard)}; {hard['ece_null'].mean():.3f} by chance), a temperature of "
        f"{tuned['temperature'].mean():.2f} makes it {tuned['ece'].mean():.3f} ({_better(tuned, hard)}), smoothing "
        f"without one {by_alpha}.",
        f"By NLL hard targets with a temperature ({tuned['nll'].mean():.3f}) beat smoothing alone ({losses}) in "
        f"{sum(difference > 0 for difference in pairs)} of {_count(len(pairs), 'pair')} of runs.",
    ]


def _lead(hard: "pd.DataFrame", tuned: "pd.DataFrame", smoothed: "dict[float, pd.DataFrame]") -> str:
    """The finding in a few words: each arm on its own, none chosen by its score."""
    if (hard["ece"] <= hard["ece_null_95"]).all():
        harmful = [alpha for alpha, arm in smoothed.items() if _harms(arm, hard)]
        if harmful:
            return f"Hard targets need no cure here, and smoothing harms at {_names(harmful)}"
        return "Hard targets need no cure here"
    works = [alpha for alpha, arm in smoothed.items() if _works(arm, hard)]
    harms = [alpha for alpha, arm in smoothed.items() if _harms(arm, hard)]
    parts = ["A temperature works here" if _works(tuned, hard) else "A temperature is not shown to work here"]
    if works:
        parts.append(f"smoothing works at {_names(works)}")
    if harms:
        parts.append(f"smoothing harms at {_names(harms)}")
    if not works and not harms:
        parts.append("smoothing is not shown to work")
    return ", ".join(parts)


def _works(arm: "pd.DataFrame", hard: "pd.DataFrame") -> bool:
    """ECE is lower in every seed, and on average at most half of what exceeded chance is left."""
    left = (arm["ece"] - arm["ece_null"]).mean()
    return bool((_change(arm, hard) < 0).all() and left <= (hard["ece"] - hard["ece_null"]).mean() / 2)


def _harms(arm: "pd.DataFrame", hard: "pd.DataFrame") -> bool:
    """ECE is higher in every seed, and in every seed above what chance explains."""
    return bool((_change(arm, hard) > 0).all() and (arm["ece"] > arm["ece_null_95"]).all())


def _names(alphas: list[float]) -> str:
    return " and ".join(f"α = {alpha:g}" for alpha in alphas)


def _change(arm: "pd.DataFrame", reference: "pd.DataFrame") -> "pd.Series[float]":
    """The difference in ECE, seed by seed."""
    return arm["ece"] - reference["ece"]


def _better(arm: "pd.DataFrame", reference: "pd.DataFrame") -> str:
    change = _change(arm, reference)
    return f"better in {int((change < 0).sum())} of {_count(len(change), 'seed')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _arm(group: "pd.DataFrame", smoothing: float, calibrator: str) -> "pd.DataFrame":
    chosen = (group["smoothing"] == smoothing) & (group["calibrator"] == calibrator)
    return group[chosen].set_index(replicate(group))


def _direction(arm: "pd.DataFrame") -> str:
    gap = arm["gap"].mean()
    return f"{'over' if gap > 0 else 'under'}confident by {abs(gap):.3f}"
