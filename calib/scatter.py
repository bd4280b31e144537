"""Numbers for what a projection shows: how tight the clusters are, how far from their templates, how wide the gap."""

import math
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np

from calib._arrays import Float, Int, to_numpy
from calib._door import checked_labels
from calib.errors import InputError
from calib.predictions import ArrayLike
from calib.projection import finite_matrix, with_one


class Scatters(NamedTuple):
    """Traces of the scatter matrices within and between classes, divided by n; ``between`` is NaN for one class."""

    within: float
    between: float

    @property
    def ratio(self) -> float:
        """``within`` / ``between``: 0 where every class is one point, ∞ where all class means are one."""
        if self.between == 0:
            return math.inf if self.within > 0 else math.nan
        return self.within / self.between


@dataclass(frozen=True)
class ScatterStatistics:
    """Activations against the templates of their network, over ``n`` examples; every mean is over those.

    ``within`` and ``between`` are traces of the scatter matrices divided by n: the mean squared distance of an example
    to the mean of its class, and of that to the mean of all.  They are at least 0 and add up to the mean squared
    distance of an example to the mean of all.  ``between`` is NaN where there is one class alone.

    ``own_distance`` and ``other_distance`` are mean distances, with the 1 of the bias, to the template of the example's
    own class and to the k − 1 others.  ``other_spread`` is the mean standard deviation (over the others) of the latter:
    0 where each example is as far from all wrong templates.

    ``gap_mean`` and ``gap_sd`` are those, over examples, of the correct logit minus the mean of the wrong ones;
    ``wrong_logit_spread`` is the mean standard deviation of an example's wrong logits, 0 where they are equal.
    ``accuracy`` is of these examples, among all k classes.  Standard deviations are of the population: divided by n.
    """

    n: int
    accuracy: float
    within: float
    between: float
    own_distance: float
    other_distance: float
    other_spread: float
    gap_mean: float
    gap_sd: float
    wrong_logit_spread: float

    @property
    def within_between(self) -> float:
        """``within`` / ``between``: 0 where every class is one point.  NaN for one class, ∞ where all means are one."""
        return Scatters(self.within, self.between).ratio

    @property
    def relative_spread(self) -> float:
        """``other_spread`` / ``other_distance``, free of the scale of the activations; 0 is equidistant."""
        return self.other_spread / self.other_distance if self.other_distance > 0 else math.nan

    def to_dict(self) -> dict[str, float]:
        """Every number by name, the two ratios too: a row of a table."""
        return {**asdict(self), "within_between": self.within_between, "relative_spread": self.relative_spread}


def scatter_statistics(features: ArrayLike, labels: ArrayLike, templates: ArrayLike) -> ScatterStatistics:
    """Measure what Müller et al. (2019, Figure 1) show: clusters, distances to templates and logit gaps.

    ``features`` ``(n, d)`` are penultimate activations, ``labels`` ``(n,)`` integers in 0 … k − 1 and ``templates``
    ``(k, d + 1)`` those of all classes of the network, bias last; the logits are [features, 1] @ templates.T.  The
    examples may be of some classes only; distances and logits are to all k.  Sums are float64.

    The papers print no such numbers; within and between are those of Fisher's discriminant.  Raises `InputError` for
    shapes that do not fit, labels out of range, NaN and infinities.

    >>> found = scatter_statistics([[3.0], [5.0], [-3.0], [-5.0]], [0, 0, 1, 1], [[1, 0], [-1, 0]])
    >>> found.within, found.between, found.gap_mean
    (1.0, 16.0, 8.0)
    """
    rows, all_templates = finite_matrix(features, "features"), finite_matrix(templates, "templates")
    (n, d), k = rows.shape, len(all_templates)
    if n == 0:
        raise InputError("features have no rows", help="pass at least one example")
    if k < 2 or all_templates.shape[1] != d + 1:
        raise InputError(
            f"templates must have shape (k, {d + 1}) for features {rows.shape}, got {all_templates.shape}",
            help="pass those of all classes, weights and bias side by side: model.templates",
        )
    own = checked_labels(to_numpy(labels), n, k)
    within, between = scatters(rows, own)
    extended = with_one(rows)
    logits = extended @ all_templates.T
    distances = np.stack([np.linalg.norm(extended - template, axis=1) for template in all_templates], axis=1)
    other_distances, wrong_logits = _without(distances, own), _without(logits, own)
    every = np.arange(n)
    gaps = logits[every, own] - wrong_logits.mean(axis=1)
    return ScatterStatistics(
        n=n,
        accuracy=float((logits.argmax(axis=1) == own).mean()),
        within=within,
        between=between,
        own_distance=float(distances[every, own].mean()),
        other_distance=float(other_distances.mean()),
        other_spread=float(other_distances.std(axis=1).mean()),
        gap_mean=float(gaps.mean()),
        gap_sd=float(gaps.std()),
        wrong_logit_spread=float(wrong_logits.std(axis=1).mean()),
    )


def scatters(rows: Float, labels: Int) -> Scatters:
    """Mean squared distance of rows ``(n, d)`` to the mean of their class, and of those means to that of all rows.

    Both are means over the n rows, so that they add up to the mean squared distance to the mean of all.

    >>> scatters(np.array([[0.0], [2.0], [10.0], [12.0]]), np.array([0, 0, 7, 7]))
    Scatters(within=1.0, between=25.0)
    """
    classes, positions = np.unique(labels, return_inverse=True)
    means = np.stack([rows[labels == c].mean(axis=0) for c in classes])
    within = float(((rows - means[positions]) ** 2).sum(axis=1).mean())
    if len(classes) < 2:
        return Scatters(within, math.nan)
    return Scatters(within, float(((means - rows.mean(axis=0)) ** 2).sum(axis=1)[positions].mean()))


def _without(values: Float, own: Int) -> Float:
    """Each row of ``(n, k)`` without the entry of its own class: ``(n, k − 1)``."""
    n, k = values.shape
    others: Float = values[np.arange(k) != own[:, None]].reshape(n, k - 1)
    return others
