"""Is one way of training better than another?  Differences over seeds, over test examples, and Holm's correction."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, TypeVar, get_args

import numpy as np

from calib._arrays import Float, Int
from calib._checks import check_choice, check_level, generator
from calib.differences import ece_difference_interval, mean_difference_interval, same_examples
from calib.errors import InputError
from calib.intervals import Interval
from calib.metrics.ranking import aurc
from calib.outcomes import Outcomes
from calib.predictions import Predictions, require_predictions

Seed = TypeVar("Seed", bound=Hashable)
Metric: TypeAlias = Literal["accuracy", "nll", "brier", "ece", "aurc"]
METRICS: tuple[Metric, ...] = get_args(Metric)
ROUNDING = 1e-12  # of the values compared: what is closer is equal
GROUPS = 200  # of examples that are left out in turn: the standard error is then known to 5 %


@dataclass(frozen=True)
class SeedDifference:
    """Mean difference over seeds with Student's interval; ``df`` is the number of seeds − 1.

    ``p_value`` is two-sided, for a mean difference of 0.  Limits and p-value are NaN where there is no spread to judge
    by: with one seed, and where a difference, such as of accuracies of few examples, happens to be the same in all.
    """

    estimate: float
    low: float
    high: float
    level: float
    df: int
    p_value: float
    differences: tuple[float, ...]


def over_seeds(a: Mapping[Seed, float], b: Mapping[Seed, float], *, level: float = 0.95) -> SeedDifference:
    """Paired comparison of one number of two ways of training, a − b seed by seed: what would other seeds give?

    Takes ``{seed: value}`` of either; a seed stands for all that was drawn anew with it (weights, batches, training
    examples), and the two must have the same ones.  The interval and test are Student's on the differences, exact for
    normal ones; the test examples are taken as given.  Seeds whose training sets overlap vary less than new training
    sets would.  Raises `InputError` where seeds are missing or values are NaN.  Source: Student (1908).

    >>> found = over_seeds({0: 3.0, 1: 5.0, 2: 4.0}, {0: 2.0, 1: 2.0, 2: 2.0})  # 1, 3, 2: mean 2, sd 1, t₀.₉₇₅(2) 4.303
    >>> found.estimate, round(found.low, 3), round(found.high, 3), found.df, round(found.p_value, 4)
    (2.0, -0.484, 4.484, 2, 0.0742)
    """
    from scipy.special import stdtr, stdtrit

    check_level(level)
    _same_seeds(a, b)
    values = np.array([(float(a[seed]), float(b[seed])) for seed in a])
    if np.isnan(values).any():
        seed = list(a)[int(np.argmax(np.isnan(values).any(axis=1)))]
        raise InputError(f"the value of seed {seed} is NaN", help="leave the metric or the seed out")
    with np.errstate(invalid="ignore"):
        differences = values[:, 0] - values[:, 1]
        mean, df = float(differences.mean()), len(differences) - 1
    pairs = tuple(float(difference) for difference in differences)
    if df == 0 or not math.isfinite(mean):
        return SeedDifference(mean, math.nan, math.nan, level, df, math.nan, pairs)
    error = float(differences.std(ddof=1)) / math.sqrt(df + 1)
    rounding = ROUNDING * float(np.abs(values).max())
    if error <= rounding:  # equal values differ by 0; any other difference that never varies is chance in few digits
        end, p_value = (mean, 1.0) if abs(mean) <= rounding else (math.nan, math.nan)
        return SeedDifference(mean, end, end, level, df, p_value, pairs)
    half = float(stdtrit(df, (1 + level) / 2)) * error
    p_value = 2 * float(stdtr(df, -abs(mean) / error))
    return SeedDifference(mean, mean - half, mean + half, level, df, p_value, pairs)


@dataclass(frozen=True)
class ExampleDifference:
    """Mean difference over these nets with an interval for other test examples.

    ``shared`` says whether all nets saw the same examples, which were then resampled once for all of them.
    """

    estimate: float
    low: float
    high: float
    level: float
    shared: bool


def over_examples(
    a: Mapping[Seed, Predictions],
    b: Mapping[Seed, Predictions],
    metric: Metric,
    *,
    level: float = 0.95,
    n_bins: int = 15,
    seed: int = 0,
) -> ExampleDifference:
    """Paired comparison of these very nets, mean of a − b over seeds: what would other test examples give?

    Takes ``{seed: predictions of the test split}`` of either.  Where all nets saw the same examples, in one order, an
    example is the unit and goes in or out for all nets at once: "accuracy", "nll" and "brier" take the interval of the
    mean over examples of the difference averaged over seeds (`calib.mean_interval`), "aurc" a jackknife that leaves out
    a two-hundredth of the examples at a time.  "ece", and everything where seeds have test examples of their own, takes
    the means over seeds of both limits (`calib.ece_difference_interval` for ECE): at least as wide as needed, since the
    standard deviation of a mean is at most the mean of the standard deviations.

    ``seed`` drives the draws for "ece" and "aurc".  Limits are NaN where both losses are infinite.  Raises `InputError`
    where seeds are missing, and where a pair has different examples.

    >>> p = Predictions.from_probs([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]], [0, 1, 1])
    >>> q = Predictions.from_probs([[0.8, 0.2], [0.6, 0.4], [0.4, 0.6]], [0, 1, 1])
    >>> round(over_examples({0: p}, {0: q}, "brier").estimate, 4)  # (.02 − .08 + .18 − .32) / 3
    -0.0667
    """
    check_choice("metric", metric, METRICS)
    check_level(level)
    _same_seeds(a, b)
    for name in a:
        for predictions in (a[name], b[name]):
            require_predictions(predictions)
        if not same_examples(a[name], b[name]):
            raise InputError(f"the test examples of seed {name} differ", help="pair predictions of the same rows")
    pairs = [(a[name], b[name]) for name in a]
    shared = all(same_examples(pairs[0][0], pair[0]) for pair in pairs)
    if metric == "ece":
        parts = [ece_difference_interval(*pair, n_bins=n_bins, level=level, seed=seed) for pair in pairs]
    else:
        together = [pairs] if shared else [[pair] for pair in pairs]
        parts = [
            _aurc_interval(some, level, seed) if metric == "aurc" else _loss_interval(some, metric, level)
            for some in together
        ]
    estimate, low, high = (
        float(np.mean([getattr(part, end) for part in parts])) for end in ("estimate", "low", "high")
    )
    return ExampleDifference(estimate, low, high, level, shared)


@dataclass(frozen=True, eq=False)
class Holm:
    """P-values adjusted for their number, and which hypotheses fall at the level asked for; both ``(m,)``."""

    adjusted: Float
    rejected: np.ndarray[tuple[int], np.dtype[np.bool_]]


def holm(p_values: Sequence[float] | Float, *, level: float = 0.05) -> Holm:
    """Holm's step-down correction: the chance that any true hypothesis is rejected stays at most ``level``.

    Whatever the dependence between the tests.  The i-th smallest of m p-values is multiplied by m − i + 1, and none may
    lie below that of a smaller one.  A NaN is no test: it does not count in m and stays NaN.  Raises `InputError` for
    p-values outside [0, 1].  Source: Holm (1979).

    >>> holm([0.01, 0.04, 0.03]).adjusted.tolist()  # 3 · 0.01; then 2 · 0.03, and 0.04 no lower than that
    [0.03, 0.06, 0.06]
    """
    check_level(level)
    values = np.asarray(p_values, dtype=np.float64)
    if values.ndim != 1 or ((values < 0) | (values > 1)).any():
        raise InputError(
            f"p-values (m,) lie in [0, 1], got {values.tolist()!r:.60}", help="pass the p-values of a family"
        )
    order = np.argsort(values)[: np.isfinite(values).sum()]  # NaN sorts last
    steps = np.arange(len(order), 0, -1)
    adjusted = np.full(len(values), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * steps), 1.0)
    return Holm(adjusted, adjusted <= level)


Pairs: TypeAlias = Sequence[tuple[Predictions, Predictions]]


def _loss_interval(pairs: Pairs, metric: Metric, level: float) -> Interval:
    """The interval of a mean loss: one number an example, its difference averaged over the nets."""
    name = "correct" if metric == "accuracy" else metric
    first, second = ([getattr(side.outcomes, name) for side in sides] for sides in zip(*pairs, strict=True))
    return mean_difference_interval(first, second, pairs[0][0].sample_weight, level=level)


def _aurc_interval(pairs: Pairs, level: float, seed: int) -> Interval:
    """The delete-a-group jackknife of the mean difference in AURC, the same groups for all nets."""
    from scipy.special import stdtrit

    n = pairs[0][0].n
    groups = min(GROUPS, n)
    if groups < 2:
        raise InputError("one example has no spread to judge it by", help="pass at least two examples")
    group = generator(seed).permutation(np.arange(n) % groups)
    whole, left_out = 0.0, np.zeros(groups)
    for a, b in pairs:
        (of_a, without_a), (of_b, without_b) = (_without_each(side.outcomes, group, groups) for side in (a, b))
        whole, left_out = whole + (of_a - of_b) / len(pairs), left_out + (without_a - without_b) / len(pairs)
    error = math.sqrt((groups - 1) / groups * float(((left_out - left_out.mean()) ** 2).sum()))
    half = float(stdtrit(groups - 1, (1 + level) / 2)) * error
    return Interval(whole, whole - half, whole + half, level)


def _without_each(outcomes: Outcomes, group: Int, groups: int) -> tuple[float, Float]:
    """AURC of all rows, and without each group in turn."""
    order = outcomes.order  # sorted once: sorting again what is sorted is quick
    rows, group = replace(outcomes, losses=None)[order], group[order]
    return aurc(rows), np.array([aurc(rows[group != one]) for one in range(groups)])


def _same_seeds(a: Mapping[Seed, object], b: Mapping[Seed, object]) -> None:
    if not a and not b:
        raise InputError("there are no seeds to compare over", help="pass {seed: value}")
    if lonely := [*(seed for seed in a if seed not in b), *(seed for seed in b if seed not in a)]:
        raise InputError(f"seed {lonely[0]} is there for one of the two only", help="compare the seeds that both have")
