"""Bayesian binning into quantiles (BBQ): histogram binning averaged over numbers of bins, by how well each explains."""

from dataclasses import dataclass

import numpy as np

from calib._arrays import Float, Int
from calib._html import fields_html
from calib.calibrators._base import check_classes, refuse_targets
from calib.calibrators._steps import (
    check_steps,
    columns,
    edges_before,
    equal_mass_starts,
    from_steps,
    middle_ranks,
    pooled,
)
from calib.errors import InputError
from calib.predictions import ArrayLike, Predictions, require_predictions

PRIOR_ROWS = 2.0  # what the prior of each bin counts as
_TINY = 2.0**-53  # keeps the mid-point of a bin off 0 and 1


@dataclass(frozen=True, eq=False)
class BayesianBinning:
    """One step function a class, the average over many equal-mass binnings; rows divided by their sum.

    ``values[c][i]`` is the new probability of class c where ``edges[c][i - 1]`` < log-odds ≤ ``edges[c][i]``; the first
    and last step are open.  With two classes there is one step function, of P(y = 1).
    """

    edges: tuple[Float, ...]
    values: tuple[Float, ...]
    n_classes: int

    _repr_html_ = fields_html

    def __post_init__(self) -> None:
        check_steps(self.edges, self.values, self.n_classes)

    @classmethod
    def fit(cls, predictions: Predictions, *, targets: ArrayLike | None = None) -> "BayesianBinning":
        """Average binnings of ∛n / 10 to 10 · ∛n bins, each weighted by its marginal likelihood (K2 score).

        The rate of a bin has a beta prior that counts as two rows with the bin's mid-point as their mean, so no new
        probability is exactly 0 or 1.  Every binning is as likely as another beforehand; numbers of bins that cut the
        rows in the same way are one binning.  One class against the others where k > 2.  Ties share a bin.  Takes time
        of the order of k · n · ∛n.  Raises `InputError` for ``targets``, sample weights and bad values.  Source:
        Naeini, Cooper & Hauskrecht (2015).

        >>> predictions = Predictions.from_probs([0.2] * 5 + [0.9] * 5, [0] * 5 + [0, 1, 1, 1, 1])
        >>> BayesianBinning.fit(predictions).values[0].round(3)
        array([0.095, 0.789])
        """
        refuse_targets(targets, "Bayesian binning")
        require_predictions(predictions)
        if predictions.sample_weight is not None:
            raise InputError(
                "Bayesian binning takes no sample weights, its likelihood counts rows",
                help="leave sample_weight out, or use histogram binning, which takes it",
            )
        fits = [_average(*pooled(*column)) for column in columns(predictions)]
        edges, values = zip(*fits, strict=True)
        return cls(edges, values, predictions.n_classes)

    def transform(self, predictions: Predictions) -> Predictions:
        """Return the new distributions.  Raises `InputError` for another number of classes."""
        check_classes(predictions, self.n_classes, "Bayesian binning")
        return from_steps(predictions, self.edges, self.values)


def _average(scores: Float, total: Float, events: Float) -> tuple[Float, Float]:
    """The edges and values of the average of all binnings of distinct, ascending scores."""
    from scipy.special import expit, softmax

    middle, root = middle_ranks(total), float(np.cbrt(total.sum()))
    sizes = range(max(1, int(root / 10)), int(np.ceil(10 * root)) + 1)
    binnings = list({start.tobytes(): start for start in (equal_mass_starts(middle, b) for b in sizes)}.values())
    limits = np.concatenate([[0.0], expit(edges_before(scores, np.arange(len(scores)))), [1.0]])
    found = [_evidence(start, limits, total, events) for start in binnings]
    weights = softmax(np.array([evidence for evidence, _ in found]))
    average = np.zeros(len(scores))
    for weight, start, (_, rate) in zip(weights, binnings, found, strict=True):
        average += weight * np.repeat(rate, np.diff(start, append=len(scores)))
    steps = np.unique(np.concatenate(binnings))
    return edges_before(scores, steps), np.clip(average[steps], 0, 1)  # rounding may leave a sum of weights above 1


def _evidence(start: Int, limits: Float, total: Float, events: Float) -> tuple[float, Float]:
    """The log marginal likelihood of one binning, and the posterior mean rate of each bin."""
    from scipy.special import betaln

    end = np.append(start[1:], len(total))
    prior = PRIOR_ROWS * np.clip((limits[start] + limits[end]) / 2, _TINY, 1 - _TINY)
    rows, right = np.add.reduceat(total, start), np.add.reduceat(events, start)
    gained = betaln(right + prior, rows - right + PRIOR_ROWS - prior) - betaln(prior, PRIOR_ROWS - prior)
    return float(gained.sum()), (right + prior) / (rows + PRIOR_ROWS)
