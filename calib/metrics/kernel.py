"""Calibration errors from pairs of examples: the kernel calibration error, and the one of a kernel density estimate."""

import numpy as np

from calib._arrays import BLOCK_ENTRIES, Bool, Float, Int, blocks
from calib._blocks import probability_form, read_blocks
from calib._checks import check_whole, generator, is_number
from calib.arguments import as_outcomes, as_predictions, unweighted
from calib.errors import InputError
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Of, Predictions

MAX_ALL_PAIRS = 20_000  # examples: 2e8 pairs
MAX_DENSITY = 10_000  # examples: 20 bandwidths times 1e8 kernels
MEDIAN_OF = 1_000  # examples whose distances set the width of the kernel
TILE = 64  # rows: smaller blocks of the block estimator are worked on together
BANDWIDTHS = (*np.logspace(-5, -1, 15).tolist(), 0.2, 0.4, 0.6, 0.8, 1.0)  # the list of Popordanoska et al.


def skce(
    predictions: Predictions | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    block_size: int | None = None,
    bandwidth: float | None = None,
    seed: int = 0,
) -> float:
    """Squared kernel calibration error of whole distributions, unbiased.  [−2, 2]; 0 on average if calibrated.

    The mean over pairs i < j of exp(−TV(p_i, p_j) / bandwidth) · (e_y − p)_i · (e_y − p)_j, where TV is half the L1
    distance and e_y the one-hot label: unlike an ECE it sees every class, and it may be negative.  All pairs are taken
    where ``block_size`` is None, for at most 20,000 examples; else the pairs inside blocks of ``block_size`` examples,
    drawn by ``seed``, in time n · ``block_size``; what is left over is left out.

    ``bandwidth`` None takes the median TV of pairs of different predictions, among 1,000 examples drawn by ``seed``.
    Takes `Predictions`, or probabilities ``(n, k)`` and labels ``(n,)``.  Raises `InputError` for bad input, fewer than
    2 examples, and sample weights.  Source: Widmann et al. (2019), the matrix kernel exp(−TV / bandwidth) · identity.

    >>> round(skce([[0.8, 0.2], [0.6, 0.4]], [0, 1], bandwidth=0.2), 4)  # −exp(−1) · 2 · 0.2 · 0.6
    -0.0883
    """
    checked = as_predictions(predictions, labels)
    unweighted(checked.outcomes, "skce")
    n, rng = checked.n, generator(seed)
    _require_pairs(n, "skce")
    if block_size is None and n > MAX_ALL_PAIRS:
        raise InputError(
            f"all pairs of {n:,} examples are too many, at most {MAX_ALL_PAIRS:,} examples are taken",
            help="pass block_size=100: the pairs inside blocks, still unbiased",
        )
    size = n if block_size is None else block_size
    check_whole("block_size", size, lowest=2, highest=n, help="100 is a good one")
    some = checked if n <= MEDIAN_OF else checked[rng.choice(n, MEDIAN_OF, replace=False)]
    width = _median_distance(_distributions(some)) if bandwidth is None else _positive(bandwidth)
    order = np.arange(n) if size == n else rng.permutation(n)[: n // size * size]
    step = size * max(1, BLOCK_ENTRIES // (checked.n_classes * size))
    total = 0.0
    for start in range(0, len(order), step):
        part = checked[order[start : start + step]]
        total += _sum_over_pairs(_distributions(part), part.labels, width, int(size))
    return total / (len(order) * (size - 1) / 2)


def kde_ece(
    predictions: Predictions | Outcomes | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    p: int = 1,
    bandwidth: float | None = None,
    of: Of = "predicted",
) -> float:
    """Calibration error from a kernel density estimate.  [0, 1]; lower is better.

    (mean_j |ratio_j − c_j|^p)^(1/p), ``p`` 1 or 2, c confidence, a correctness; ratio_j = Σ a_i k_i(c_j) / Σ k_i(c_j)
    over i ≠ j, k_i the density of Beta(c_i / b + 1, (1 − c_i) / b + 1).  ``bandwidth`` is b; None takes the likeliest,
    leaving one out, of the paper's 20, which is the smallest where many confidences are equal.  Where c_j is 0 or 1
    and no other confidence is, ratio_j is its limit: the mean a of the nearest confidence; such an example has no say
    in the bandwidth.

    Takes `Predictions`, probabilities ``(n, k)`` and labels ``(n,)``, or `Outcomes`, of 2 to 10,000 examples: time
    grows with n².  Raises `InputError` for bad input and for sample weights.  Source: Popordanoska et al. (2022), the
    estimator for one confidence an example; the root is taken for p = 2.

    >>> round(kde_ece([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]], [0, 0, 1]), 4)  # ratios 1/2, 1/2 and 1
    0.3
    """
    outcomes = unweighted(as_outcomes(predictions, labels, of=of), "kde_ece")
    _require_pairs(outcomes.n, "kde_ece")
    if outcomes.n > MAX_DENSITY:
        raise InputError(
            f"kde_ece takes at most {MAX_DENSITY:,} examples, got {outcomes.n:,}",
            help="smooth_ece has no such limit; or pass a random part",
        )
    if isinstance(p, bool) or p not in (1, 2):
        raise InputError(f"p must be 1 or 2, got {p!r}", help="1 is the mean gap, 2 the root mean square")
    candidates = BANDWIDTHS if bandwidth is None else (_positive(bandwidth),)
    likelihood, ratio = np.zeros(len(candidates)), np.empty((len(candidates), outcomes.n))
    for which, width in enumerate(candidates):
        likelihood[which], ratio[which] = _leave_one_out(outcomes.confidence, outcomes.correct, width)
    gap = np.abs(ratio[likelihood.argmax()] - outcomes.confidence)
    return float(gap.mean() if p == 1 else np.sqrt((gap**2).mean()))


def _distributions(predictions: Predictions) -> Float:
    """The probabilities ``(n, k)`` at the predictions' own temperature."""
    form = probability_form(predictions)
    probs = np.empty((predictions.n, predictions.n_classes))
    for block in read_blocks(predictions, form=form):
        total = block.values.sum(axis=1, keepdims=True) if form == "odds" else 1.0
        probs[block.rows] = block.values / total
    return probs


def _median_distance(probs: Float) -> float:
    from scipy.spatial.distance import pdist

    distances = pdist(probs, "cityblock") / 2
    apart = distances[distances > 0]
    return float(np.median(apart)) if len(apart) else 1.0  # where all are equal any width will do


def _sum_over_pairs(probs: Float, labels: Int, width: float, block_size: int) -> float:
    """The sum of h over pairs that share one of the blocks of ``block_size`` consecutive rows."""
    from scipy.spatial.distance import cdist

    surprise = -probs
    surprise[np.arange(len(labels)), labels] += 1
    total = 0.0
    tile = block_size * -(-TILE // block_size)
    for start in range(0, len(probs), tile):
        own, left = probs[start : start + tile], surprise[start : start + tile]
        block = np.arange(len(own)) // block_size
        for rows in blocks(len(own), len(own)):
            later = slice(rows.start, None)
            terms = np.exp(cdist(own[rows], own[later], "cityblock") / (-2 * width)) * (left[rows] @ left[later].T)
            if tile > block_size:
                terms *= block[rows, None] == block[None, later]
            total += float(np.triu(terms, 1).sum())
    return total


def _leave_one_out(confidence: Float, correct: Bool, width: float) -> tuple[float, Float]:
    """The log-likelihood of the confidences, each under the kernels of the others, and the ratio ``(n,)``."""
    from scipy.special import betaln

    n = len(confidence)
    ratio = np.empty(n)
    likelihood = 0.0
    inside = np.flatnonzero((confidence > 0) & (confidence < 1))
    log_scale = betaln(confidence / width + 1, (1 - confidence) / width + 1)
    powers = np.stack([confidence, 1 - confidence]) / width
    for rows in blocks(len(inside), n):
        index = inside[rows]
        at = confidence[index]
        kernels = np.stack([np.log(at), np.log1p(-at)], axis=1) @ powers - log_scale
        kernels[np.arange(len(index)), index] = -np.inf
        top = kernels.max(axis=1)
        np.exp(np.subtract(kernels, top[:, None], out=kernels), out=kernels)
        mass = kernels.sum(axis=1)
        ratio[index] = kernels @ correct / mass
        likelihood += float((top + np.log(mass)).sum())
    for end in (0.0, 1.0):  # the kernel of any other confidence vanishes there
        here = confidence == end
        others = int(here.sum()) - 1
        if others > 0:
            ratio[here] = (correct[here].sum() - correct[here]) / others
            likelihood += (others + 1) * float(np.log(others) + np.log1p(1 / width))
        elif others == 0:
            distance = np.where(here, np.inf, np.abs(confidence - end))
            ratio[here] = correct[distance == distance.min()].mean()
    return likelihood, ratio


def _require_pairs(n: int, metric: str) -> None:
    if n < 2:
        raise InputError(f"{metric} compares examples, got {n}", help="pass at least 2")


def _positive(bandwidth: float) -> float:
    if not is_number(bandwidth) or not 1e-6 <= bandwidth <= 1e6:
        raise InputError(f"bandwidth must be a number from 1e-6 to 1e6, got {bandwidth!r}", help="or leave it out")
    return float(bandwidth)
