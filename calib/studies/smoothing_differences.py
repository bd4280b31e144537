"""What every arm of the study differs by from hard targets with a temperature: over seeds, and over test examples."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from calib._text import p_value
from calib.errors import InputError
from calib.export import row_name
from calib.seed_inference import METRICS, Metric, holm, over_examples, over_seeds
from calib.studies._evidence import LEVEL, interval, seeds_note, signed
from calib.studies.smoothing_versus_temperature import Comparison
from calib.tables import replicate, settings

if TYPE_CHECKING:
    import pandas as pd

NAMES = {"accuracy": "accuracy", "nll": "NLL", "brier": "Brier", "ece": "ECE", "aurc": "AURC"}
DIGITS = {"aurc": 4}  # else 3
REFERENCE = (0.0, "temperature")
REFERENCE_NAME = row_name("hard", "temperature")

Row: TypeAlias = dict[str, Any]
Arm: TypeAlias = Mapping[tuple[int, ...], Row]  # a row of the score table a seed


def differences(comparison: Comparison) -> "pd.DataFrame":
    """One row an arm and metric: arm − (hard + T), with both inferences, all at 95 %.

    ``difference`` is the mean over ``seeds``, in ``worse`` of which the arm is worse.  ``seeds_low``, ``seeds_high``,
    ``df`` and ``p`` are of `calib.seed_inference.over_seeds`; ``p_holm`` is adjusted for the ``family`` of tests that
    have the same calibrator (every α × metric), and ``seeds_tell`` says whether it is at most 0.05.  ``examples_low``
    and ``examples_high`` are of `calib.seed_inference.over_examples`, unadjusted; ``examples_tell`` says whether they
    leave out 0, ``examples_shared`` whether all networks saw the same test examples.

    Raises `InputError` where there is no run with hard targets, nothing to compare it with, or more than one setting.
    """
    import pandas as pd

    arms = _arms(comparison)
    reference = arms.pop(REFERENCE, {})
    rows = []
    for (alpha, calibrator), arm in sorted(arms.items(), key=lambda item: item[0][0]):
        common = {seed: row for seed, row in arm.items() if seed in reference}
        if not common:
            continue
        base = {seed: reference[seed] for seed in common}
        first = next(iter(common.values()))
        what = {"model": first["model"], "smoothing": alpha, "calibrator": calibrator, "n": first["n"]}
        for metric in METRICS:
            both = {**_over_seeds(common, base, metric), **_over_examples(comparison, common, base, metric)}
            rows.append({**what, "metric": metric, **both})
    if not rows:
        raise InputError("there is no run with hard targets to compare with", help="add one: calib train --smoothing 0")
    for calibrator in {row["calibrator"] for row in rows}:
        family = [row for row in rows if row["calibrator"] == calibrator]
        found = holm([row["p"] for row in family], level=1 - LEVEL)
        for row, adjusted, tells in zip(family, found.adjusted, found.rejected, strict=True):
            row |= {"p_holm": float(adjusted), "seeds_tell": bool(tells)}
            row["family"] = sum(not math.isnan(other["p"]) for other in family)
    return pd.DataFrame(rows)


def readable_differences(table: "pd.DataFrame") -> "pd.DataFrame":
    """A table of `differences` as strings for reading; a star marks what can be told from no difference."""
    import pandas as pd

    rows = []
    for row in table.to_dict("records"):
        digits = DIGITS.get(row["metric"], 3)
        rows.append(
            {
                "model": row_name(row["model"], row["calibrator"]),
                "metric": NAMES[row["metric"]],
                "difference": signed(row["difference"], digits),
                f"over seeds (t, {row['df']} df)": _interval(row, "seeds", digits),
                "p (Holm)": p_value(row["p_holm"]),
                "worse": f"{row['worse']} of {row['seeds']}",
                "over examples": _interval(row, "examples", digits),
            }
        )
    return pd.DataFrame(rows)


def difference_notes(table: "pd.DataFrame") -> list[str]:
    """What the two inferences are that a table of `differences` shows side by side."""
    first, sizes = table.iloc[0], sorted(set(table["family"]))
    tests = " or ".join(filter(None, [", ".join(map(str, sizes[:-1])), str(sizes[-1])]))
    shared = bool(first["examples_shared"])
    of_seeds = (
        f"*Over seeds*: paired by seed, Student's t; a star where p is at most 0.05 after Holm's correction for the "
        f"{tests} tests (every α × metric) of one calibrator. {seeds_note(shared=shared)}"
        if first["df"] > 0
        else "*Over seeds*: there is one seed only, so nothing is known of other seeds."
    )
    averaged = "the limits of each seed are averaged, which is at least as wide as needed"
    how = (
        f"an example goes in or out for all networks at once, and of ECE {averaged}"
        if shared
        else f"seeds have test examples of their own, so {averaged}"
    )
    return [
        f"Arm − ({REFERENCE_NAME}); positive is worse, of accuracy better. Intervals are of 95 %.",
        of_seeds,
        f"*Over examples*: of these very networks on n = {int(first['n']):,} test examples, paired; {how}. A star "
        "where the interval leaves out 0, each by itself and without correction. It says nothing of other networks.",
    ]


def _arms(comparison: Comparison) -> dict[tuple[float, str], Arm]:
    """The rows of the score table by smoothing and calibrator, then by seed."""
    scores = comparison.scores
    if "smoothing" not in scores or "seed" not in scores:
        return {}
    others = [name for name in settings(scores) if name not in ("model", "smoothing")]
    if mixed := [name for name in others if scores[name].nunique(dropna=False) > 1]:
        raise InputError(f"the runs differ in {mixed[0]}", help="compare the runs of one setting")
    arms: dict[tuple[float, str], dict[tuple[int, ...], Row]] = {}
    for row in scores.to_dict("records"):
        arm = arms.setdefault((float(row["smoothing"]), str(row["calibrator"])), {})
        arm[tuple(int(row[name]) for name in replicate(scores))] = {str(name): value for name, value in row.items()}
    return dict(arms)


def _over_seeds(arm: Arm, base: Arm, metric: Metric) -> Row:
    values, reference = ({seed: float(row[metric]) for seed, row in rows.items()} for rows in (arm, base))
    found = over_seeds(values, reference, level=LEVEL)
    sign = -1 if metric == "accuracy" else 1
    return {
        "difference": found.estimate,
        "seeds": len(found.differences),
        "worse": sum(sign * difference > 0 for difference in found.differences),
        "seeds_low": found.low,
        "seeds_high": found.high,
        "df": found.df,
        "p": found.p_value,
    }


def _over_examples(comparison: Comparison, arm: Arm, base: Arm, metric: Metric) -> Row:
    nets, reference = (
        {seed: comparison.predictions(row["run"], row["calibrator"]) for seed, row in rows.items()}
        for rows in (arm, base)
    )
    n_bins = next(iter(arm.values()))["n_bins"]
    found = over_examples(nets, reference, metric, level=LEVEL, n_bins=n_bins)
    return {
        "examples_low": found.low,
        "examples_high": found.high,
        "examples_shared": found.shared,
        "examples_tell": found.low > 0 or found.high < 0,
    }


def _interval(row: Mapping[Any, Any], inference: str, digits: int) -> str:
    low, high, tells = (row[f"{inference}_{name}"] for name in ("low", "high", "tell"))
    return interval(low, high, digits, tells=tells)
