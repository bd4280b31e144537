"""T-Cal: is the debiased calibration error, at any of the scales from 2 bins up, more than chance?"""

from dataclasses import dataclass
from math import log, log2, sqrt

import numpy as np

from calib._arrays import Float, Int, blocks
from calib._checks import check_whole, generator
from calib.arguments import as_outcomes, unweighted
from calib.errors import InputError
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions

MAX_RESAMPLES = 1_000_000
TIE = 1e-12  # statistics that differ by less differ by rounding alone


@dataclass(frozen=True, eq=False)
class TCal:
    """Result of `t_cal`: ``p_value`` of the adaptive test, and a row a scale.

    ``scales`` ``(s,)`` are numbers of bins; ``statistic`` ``(s,)`` the debiased squared calibration error at each,
    unbiased and so negative at times; ``p_values`` ``(s,)`` of each scale alone.  ``p_value`` is their minimum times s
    (Bonferroni), at most 1 and at least s / (``n_resamples`` + 1).
    """

    scales: Int
    statistic: Float
    p_values: Float
    p_value: float
    n_resamples: int

    def rejects(self, level: float = 0.05) -> bool:
        """Whether a calibrated model would come out so with a probability of at most ``level``."""
        return self.p_value <= level


def t_cal(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_resamples: int = 3000,
    seed: int = 0,
    of: Of = "predicted",
) -> TCal:
    """Test calibration at m = 2, 4, 8 … bins at once, up to (n / √ln n)² of them.

    At each m the statistic is Σ_bins ((Σ r)² − Σ r²) / (n · n_bin), r = confidence − correctness: 0 on average if
    calibrated.  Its distribution then comes from ``n_resamples`` draws of correctness ~ Bernoulli(confidence) at the
    confidences as they are, which makes the test valid at any n.  Bins are (a, b] of equal width.

    Takes `Predictions`, probabilities ``(n, k)`` and labels ``(n,)``, or `Outcomes`.  Raises `InputError` for bad
    input, fewer than 2 examples, and sample weights.  Source: Lee et al. (2023), T-Cal, whose code draws the
    confidences anew as well.

    >>> result = t_cal([0.75] * 4, [1, 1, 1, 0], of=1, n_resamples=100)  # (0² − 0.75) / 16
    >>> result.scales.tolist(), round(float(result.statistic[0]), 4), result.p_value
    ([2, 4, 8], -0.0469, 1.0)
    """
    outcomes = unweighted(as_outcomes(predictions, labels, of=of), "t_cal")
    if outcomes.n < 2:
        raise InputError(f"t_cal compares examples, got {outcomes.n}", help="pass at least 2")
    check_whole("n_resamples", n_resamples, lowest=1, highest=MAX_RESAMPLES, help="3000 is the usual number")
    order = np.argsort(outcomes.confidence, kind="stable")
    confidence, rng = outcomes.confidence[order], generator(seed)
    bins = _SharedBins.of(confidence)
    statistic = bins.debiased(outcomes.residual[order][None])[0]
    as_large = np.zeros(len(statistic), np.int64)
    for rows in blocks(int(n_resamples), outcomes.n):
        correct = rng.random((rows.stop - rows.start, outcomes.n)) < confidence
        as_large += (bins.debiased(confidence - correct) >= statistic - TIE).sum(axis=0)
    p_values = (1 + as_large) / (1 + n_resamples)
    return TCal(
        scales=2 ** np.arange(1, len(statistic) + 1),
        statistic=statistic,
        p_values=p_values,
        p_value=min(1.0, len(statistic) * float(p_values.min())),
        n_resamples=int(n_resamples),
    )


@dataclass(frozen=True, eq=False)
class _SharedBins:
    """The bins that hold two or more of n ordered confidences, for others add nothing; ``parts[i]`` are of scale i."""

    first: Int
    end: Int  # the last + 1
    parts: list[slice]

    @classmethod
    def of(cls, ordered: Float) -> "_SharedBins":
        n = len(ordered)
        first, end, parts, so_far = [], [], [], 0
        for power in range(1, int(2 * log2(n / sqrt(log(n)))) + 1):
            index = np.maximum(np.ceil(ordered * 2.0**power), 1)
            starts = np.flatnonzero(np.append(True, index[1:] != index[:-1]))
            ends = np.append(starts[1:], n)
            shared = ends - starts > 1
            first.append(starts[shared])
            end.append(ends[shared])
            parts.append(slice(so_far, so_far := so_far + int(shared.sum())))
        return cls(np.concatenate(first), np.concatenate(end), parts)

    def debiased(self, residual: Float) -> Float:
        """The statistic ``(draws, scales)`` of residuals ``(draws, n)`` in order of confidence."""
        pairs = self._sums(residual) ** 2 - self._sums(residual**2)
        share = 1 / ((self.end - self.first) * residual.shape[1])
        return np.stack([pairs[:, part] @ share[part] for part in self.parts], axis=1)

    def _sums(self, values: Float) -> Float:
        running = np.zeros((len(values), values.shape[1] + 1))
        np.cumsum(values, axis=1, out=running[:, 1:])
        sums: Float = np.take(running, self.end, axis=1) - np.take(running, self.first, axis=1)
        return sums
