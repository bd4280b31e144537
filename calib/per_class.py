"""What is claimed for classes one by one: P(label = c) and whether it came true, for many classes in few passes."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from calib._arrays import Float, Int
from calib._blocks import Block, map_blocks, probability_form
from calib._fused_pass import exact_logits, rest_of_row
from calib.outcomes import Outcomes, log_odds_of

if TYPE_CHECKING:
    from calib.predictions import Predictions

CHUNK_ENTRIES = 4_194_304  # 32 MiB of log-odds are held at a time, whatever n and k are


def outcomes_of_classes(predictions: "Predictions", classes: Sequence[int]) -> Iterator[Outcomes]:
    """Yield the outcomes of "is the label c?" for each class, in one pass for as many classes as fit in memory.

    Raises `InputError` naming the first row that holds NaN or +inf, or is no distribution.
    """
    chunk = max(1, CHUNK_ENTRIES // predictions.n)
    for start in range(0, len(classes), chunk):
        some = np.asarray(classes[start : start + chunk])
        confidence, log_odds = np.empty((2, len(some), predictions.n))
        form = probability_form(predictions)
        map_blocks(predictions, partial(_write, predictions, some, confidence, log_odds), form=form)
        for i, c in enumerate(some):
            yield Outcomes(confidence[i], predictions.labels == c, log_odds[i], predictions.sample_weight)


def _write(predictions: "Predictions", classes: Int, confidence: Float, log_odds: Float, block: Block) -> None:
    """Fill in the columns of some classes, ``(classes, n)``, for the rows of a block."""
    rows = block.rows
    if probability_form(predictions) == "given":
        confidence[:, rows] = block.values[:, classes].T
        log_odds[:, rows] = log_odds_of(confidence[:, rows])
        return
    logits = exact_logits(predictions, block, np.arange(len(block.values))[:, None], classes)
    odds = block.values[:, classes].astype(np.float64)
    log_rest, rest, _ = rest_of_row(predictions, block, block.predicted)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        # The odds of the predicted class are 1, so what the others leave of the total is at least half of it.
        log_others = np.where(classes == block.predicted[:, None], log_rest[:, None], np.log(1 + rest[:, None] - odds))
        log_odds[:, rows] = (logits - log_others).T
        confidence[:, rows] = 1 / (1 + np.exp(-log_odds[:, rows]))
