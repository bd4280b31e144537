"""Label noise: make some labels wrong on purpose, to see what a method does with them."""

from collections.abc import Mapping

import numpy as np

from calib._arrays import Int
from calib.datasets.confusions import mistaken_for
from calib.datasets.splits import seeded
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
    noisy, rng = _own(labels, n_classes), seeded(seed)
    # Draw for all rows and use some: that is what keeps the noise of different rates nested.
    chosen = rng.permutation(len(noisy))[: round(rate * len(noisy))]
    drawn = rng.integers(n_classes, size=len(noisy))
    noisy[chosen] = drawn[chosen]
    return noisy


def asymmetric_label_noise(
    labels: Int,
    n_classes: int,
    *,
    rate: float,
    seed: int,
    dataset: str | None = None,
    mapping: Mapping[int, int] | None = None,
) -> Int:
    """Turn exactly ``round(rate * n_c)`` labels of each class c that ``mapping`` names into the class it maps c to.

    ``mapping`` is by default that of ``dataset`` (`mistaken_for`): on ``cifar10`` five classes are mistaken and five
    are never, so that about half of ``rate`` of the labels end up wrong; without a name, or for any other, each class
    becomes the next, and the last the first.  A label is changed once at most.  The argument is left as it was; the
    result is a new int64 array.  With one seed, a higher rate keeps the wrong labels of a lower one and adds more.

    Raises `InputError` where ``rate`` is outside [0, 1], a label or class outside 0 … k − 1, a class is mapped to
    itself, or both a data set and a mapping are given.  Source: Patrini et al. (2017), Making Deep Neural Networks
    Robust to Label Noise: a Loss Correction Approach.

    >>> asymmetric_label_noise(np.array([9, 9, 9, 9, 8, 8, 8, 8]), 10, rate=0.5, seed=0, dataset="cifar10")
    array([9, 9, 1, 1, 8, 8, 8, 8])
    """
    if not 0 <= rate <= 1:
        raise InputError(f"label noise must lie in [0, 1], got {rate}", help="0.4 flips two fifths of a class")
    if dataset is not None and mapping is not None:
        raise InputError("a data set and a mapping were both given", help="a data set brings its mapping; pass one")
    if mapping is None:
        mapping = mistaken_for(dataset or "", n_classes)
    for one, other in mapping.items():
        if one == other or not (0 <= one < n_classes and 0 <= other < n_classes):
            raise InputError(
                f"a mapping takes a class in 0 … {n_classes - 1} to another, got {one} → {other}",
                help="leave out the classes that are never mistaken",
            )
    noisy = _own(labels, n_classes)
    true = noisy.copy()
    order = seeded(seed).permutation(len(noisy))  # one for all rates, so that they are nested
    for one, other in mapping.items():
        rows = order[true[order] == one]
        noisy[rows[: round(rate * len(rows))]] = other
    return noisy


def _own(labels: Int, n_classes: int) -> Int:
    """A copy to write into."""
    own = np.array(labels, dtype=np.int64)
    if own.ndim != 1 or n_classes < 1 or ((own < 0) | (own >= n_classes)).any():
        raise InputError(
            f"labels must have shape (n,) and lie in 0 … {n_classes - 1}", help="pass one class index an example"
        )
    return own
