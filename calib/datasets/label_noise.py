"""Label noise: make some labels wrong on purpose, to see what a method does with them."""

import operator

import numpy as np

from calib._arrays import Int
from calib.errors import InputError


def symmetric_label_noise(labels: Int, n_classes: int, *, rate: float, seed: int) -> Int:
    """Redraw exactly ``round(rate * n)`` of the labels ``(n,)``, chosen at random, uniformly over all k classes.

    The true class may be drawn again, so that about ``rate * (k - 1) / k`` of the labels end up wrong: this is the
    convention of Zhang et al. (2017), "Understanding deep learning requires rethinking generalization".  The argument
    is left as it was; the result is a new int64 array.  With one seed, a higher rate keeps the redrawn labels of a
    lower one and adds more.

    Raises `InputError` where ``rate`` is outside [0, 1] or a label outside 0 … k − 1.

    >>> symmetric_label_noise(np.zeros(8, dtype=np.int64), 4, rate=0.5, seed=0)
    array([0, 0, 2, 3, 2, 0, 3, 0])
    """
    if not 0 <= rate <= 1:
        raise InputError(f"label noise must lie in [0, 1], got {rate}", help="0.2 redraws a fifth of the labels")
    noisy = np.array(labels, dtype=np.int64)
    if noisy.ndim != 1 or n_classes < 1 or ((noisy < 0) | (noisy >= n_classes)).any():
        raise InputError(
            f"labels must have shape (n,) and lie in 0 … {n_classes - 1}", help="pass one class index an example"
        )
    try:
        rng = np.random.Generator(np.random.PCG64(operator.index(seed)))
    except (TypeError, ValueError) as error:
        raise InputError(f"seed must be a whole number of at least 0, got {seed!r}", help="0 will do") from error
    # Draw for all rows and use some: that is what keeps the noise of different rates nested.
    chosen = rng.permutation(len(noisy))[: round(rate * len(noisy))]
    drawn = rng.integers(n_classes, size=len(noisy))
    noisy[chosen] = drawn[chosen]
    return noisy
