"""Mixup, training on weighted means of two examples and of their targets: which two, and with which weight."""

from collections.abc import Sequence

import numpy as np

from calib._arrays import Int
from calib.errors import InputError


def mixing(n: int, *, alpha: float, key: Sequence[int]) -> tuple[float, Int]:
    """Draw how a batch of ``n`` is mixed: a weight λ ~ Beta(α, α) for all of it, and a partner ``(n,)`` for each.

    Example i becomes λ·x_i + (1 − λ)·x_partner[i].  The partners are a permutation, in which an example may meet
    itself.  ``key`` alone decides, for instance (seed, epoch, batch); ``alpha`` α > 0 is 0.2 to 1 for images, and the
    smaller it is the less is mixed.

    Raises `InputError` for α outside (0, 1e6], no example, or a key that is no sequence of whole numbers ≥ 0.  Source:
    Zhang et al. (2018), mixup: Beyond Empirical Risk Minimization; for calibration Thulasidasan et al. (2019).

    >>> weight, partner = mixing(4, alpha=0.2, key=(0, 1, 2))
    >>> 0 <= weight <= 1, sorted(partner.tolist())
    (True, [0, 1, 2, 3])
    """
    if not 0 < alpha <= 1e6:
        raise InputError(f"alpha must lie in (0, 1e6], got {alpha}", help="0.2 is a usual value; leave mixup out for 0")
    if n < 1:
        raise InputError(f"a batch must have at least one example, got {n}", help="leave out empty batches")
    try:
        rng = np.random.default_rng([*key])
    except (TypeError, ValueError) as error:
        raise InputError(
            f"key must be whole numbers of at least 0, got {key!r}", help="(seed, epoch, batch) will do"
        ) from error
    return float(rng.beta(alpha, alpha)), rng.permutation(n)
