"""MaxLogit p-norm: a better order of the examples by confidence, for answering only where the model is sure."""

from dataclasses import dataclass, replace

import numpy as np

from calib._arrays import Float
from calib._blocks import read_blocks
from calib._html import fields_html
from calib.arguments import unweighted
from calib.calibrators._base import refuse_targets
from calib.errors import InputError
from calib.metrics.ranking import Ranking
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Predictions, require_predictions

GRID = tuple(range(11))


@dataclass(frozen=True)
class MaxLogitPNorm:
    """A ranking score: the largest centred logit of a row divided by the p-norm of its centred logits.

    Centred logits are z − mean(z).  ``p`` is a number of at least 0; 0 divides by nothing, and None stands for the
    plain softmax confidence.  ``aurc_before`` and ``aurc_after`` are the areas under the risk–coverage curve of softmax
    confidence and of the score on the calibration split, NaN without a fit.  It ranks and does no more: the
    distribution and its calibration stay as they are, so there is `rank` and no ``transform``.
    """

    p: float | None
    aurc_before: float = float("nan")
    aurc_after: float = float("nan")

    _repr_html_ = fields_html

    def __post_init__(self) -> None:
        if self.p is not None and not 0 <= self.p < np.inf:
            raise InputError(
                f"p must be a number of at least 0, or None for softmax confidence, got {self.p}",
                help="fit it, or take one from 0 to 10",
            )

    @classmethod
    def fit(cls, predictions: Predictions, *, targets: ArrayLike | None = None) -> "MaxLogitPNorm":
        """Choose p from 0, 1, … 10 by the lowest AURC; softmax confidence stays where none is lower.

        Of two classes nothing can be gained: p = 0 ranks as softmax does, and any other p ties all rows.  Raises
        `InputError` for ``targets``, sample weights, a probability of 0 and bad values.  Source: Cattelan & Silva
        (2024).

        >>> logits = [[9.0, 5.0, -9.0], [3.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 1.0]]  # the surest row is wrong
        >>> fitted = MaxLogitPNorm.fit(Predictions.from_logits(logits, [1, 0, 1, 2]))
        >>> fitted.p, round(fitted.aurc_before, 4), round(fitted.aurc_after, 4)
        (1.0, 0.5208, 0.0625)
        """
        refuse_targets(targets, "the MaxLogit p-norm")
        require_predictions(predictions)
        unweighted(predictions.outcomes, "the MaxLogit p-norm")
        before = Ranking.of(predictions.outcomes).aurc
        best = cls(None, before, before)
        for p in GRID:
            after = Ranking.of(cls(p).rank(predictions)).aurc
            if after < best.aurc_after - 1e-12:  # rounding is no gain
                best = cls(float(p), before, after)
        return best

    def score(self, predictions: Predictions) -> Float:
        """What ranks the rows, higher for surer, ``(n,)``; 0 for a row whose logits are all equal.

        Probabilities are read through their logarithms, which are logits too.  Raises `InputError` for a logit of −inf,
        that is a probability of 0, because its norm is infinite.
        """
        require_predictions(predictions)
        if self.p is None:
            return predictions.outcomes.score
        score = np.empty(predictions.n)
        for block in read_blocks(predictions, form="logits"):
            if not (finite := np.isfinite(block.values).all(axis=1)).all():
                row = block.rows.start + int(np.argmin(finite))
                raise InputError(
                    f"row {row} holds a logit of −inf, that is a probability of 0: its p-norm is infinite",
                    help="give the logits as the network made them, or rank by softmax confidence",
                )
            score[block.rows] = _largest_over_norm(block.values - block.values.mean(axis=1, keepdims=True), self.p)
        return score

    def rank(self, predictions: Predictions) -> Outcomes:
        """Outcomes that `calib.aurc`, `calib.auroc` and other metrics of ranking order by `score`.

        Confidence, correctness and losses stay.  ``log_odds`` of the result are the score and no log-odds: keep it away
        from metrics that read their value.
        """
        score = self.score(predictions)
        return replace(predictions.outcomes, known_log_odds=score)


def _largest_over_norm(centred: Float, p: float) -> Float:
    """The largest entry of each row over its p-norm, both relative to the row's largest size against overflow.

    Rounded to 12 decimals, for many rows tie and must go on doing so: with p = 1 all that have one entry above 0.
    """
    if p == 0:
        return np.asarray(centred.max(axis=1))
    size = np.abs(centred).max(axis=1, keepdims=True)
    relative = np.divide(centred, size, out=np.zeros_like(centred), where=size > 0)
    powers = np.maximum((np.abs(relative) ** p).sum(axis=1), 1)  # at least 1 but for a row of zeros
    return np.asarray(np.round(relative.max(axis=1) / powers ** (1 / p), 12))
