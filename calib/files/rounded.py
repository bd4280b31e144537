"""Probabilities that were rounded to a few decimals, so that rows no longer sum to 1: recognised, and said so."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from calib._arrays import AnyArray, Bool, Float
from calib.predictions import LOOK_LIKE_PROBS, Predictions, look_like_probs

ROUNDED = "rounded"  # in provenance: how the probabilities had been
NOTES = "notes"  # there too: other sentences that a reader must know
MOST = 0.05  # that a sum may lack: beyond it too much was lost, whatever the decimals allow
EXACT = 1e-6  # sums as near to 1 as this were not spoilt by rounding to four decimals or fewer
ENOUGH = 20  # rows by which chance is told from a habit


@dataclass(frozen=True)
class Rounding:
    """To how many decimals, what rows then sum to, and how far a probability is from what it was after division."""

    decimals: int
    lowest: float
    highest: float
    within: float

    @property
    def note(self) -> str:
        """What a reader of the numbers must know."""
        sums = f"{self.lowest:.{self.decimals}f} … {self.highest:.{self.decimals}f}"
        return (
            f"the probabilities were rounded to {self.decimals} decimals (rows sum to {sums}) and divided by their "
            f"sums: confidences are known to ± {self.within:.2g} only"
        )


def recognised(values: AnyArray) -> tuple[AnyArray, Rounding] | None:
    """``values`` ``(n, k)`` divided by their sums, or None unless rounding to 2, 3 or 4 decimals explains these.

    To d decimals an entry is off by at most 10⁻ᵈ / 2, and one that became 0 was not below it: so much may a row have
    too little, of which `MOST` is taken, and its entries above 0 so much too much.  Rows that most others are unlike
    stay as they are, for whoever checks values to name them.  Sums that are all off to one side are no rounding.

    >>> divided, found = recognised(np.array([[0.33, 0.33, 0.33], [0.5, 0.25, 0.25]]))
    >>> found.decimals, divided[0].round(4).tolist(), round(found.within, 4)
    (2, [0.3333, 0.3333, 0.3333], 0.0152)
    >>> recognised(np.array([[0.3, 0.3, 0.3]])) is None  # more is missing than rounding explains
    True
    """
    if values.ndim != 2 or values.shape[1] < 2 or values.dtype.kind != "f" or values.dtype.itemsize < 4:
        return None
    with np.errstate(invalid="ignore", over="ignore"):
        sums = values.sum(axis=1, dtype=np.float64)
        possible = (values >= 0).all(axis=1) & (values <= 1).all(axis=1) & (np.abs(sums - 1) <= MOST)
    if not (np.abs(sums - 1) > EXACT)[possible].any():
        return None
    for decimals in (2, 3, 4):
        half = 0.5 * 10.0**-decimals
        with np.errstate(invalid="ignore", over="ignore"):
            steps = values.astype(np.float64) * 10**decimals
            written = (np.abs(steps - np.round(steps)) <= np.finfo(values.dtype).eps * 10**decimals).all(axis=1)
        positive = (values > 0).sum(axis=1)
        explained = possible & written & (sums - 1 <= positive * half + EXACT)
        explained &= 1 - sums <= values.shape[1] * half + EXACT
        if 2 * explained.sum() <= len(values):
            continue
        off = sums[explained] - 1
        if not (np.abs(off) > EXACT).any() or _one_sided(off, positive[explained], values.shape[1], half):
            return None
        within = ((half + np.abs(off)) / sums[explained]).max()
        rounding = Rounding(decimals, float(sums[explained].min()), float(sums[explained].max()), float(within))
        return _divided(values, sums, explained), rounding
    return None


def _one_sided(off: Float, positive: AnyArray, k: int, half: float) -> bool:
    """Whether sums are off in a way that rounding is not.

    Errors of entries above 0 are as often up as down, uniform in ± ``half``: their mean is 0 to five standard errors.
    Those that became 0 take away alone, at most ``half`` each, but not the same from nearly every row.
    """
    if len(off) < ENOUGH:
        return False
    chance = 5 * half * np.sqrt((positive / 3).sum())
    lost = ((k - positive) * half).sum()
    _, counts = np.unique(np.round(off / half), return_counts=True)
    alike = counts.max() >= 0.95 * len(off) and np.abs(np.median(off)) > EXACT
    return bool(alike or off.sum() > chance or off.sum() < -lost - chance)


def _divided(values: AnyArray, sums: Float, rows: Bool) -> AnyArray:
    divided = values.astype(np.float64)
    divided[rows] /= sums[rows, None]
    return divided


def provenance_of(rounding: Rounding | None) -> dict[str, Any]:
    """What to keep of it beside the predictions."""
    return {} if rounding is None else {ROUNDED: asdict(rounding)}


def rounding_of(provenance: Mapping[str, Any]) -> Rounding | None:
    """What `provenance_of` kept; None for anything else.

    >>> rounding_of({"rounded": {"decimals": 2, "lowest": 0.99, "highest": 1.01, "within": 0.02}}).decimals
    2
    """
    kept = provenance.get(ROUNDED)
    try:
        found = Rounding(**kept)  # type: ignore[arg-type]  # of whatever a file holds
    except TypeError:
        return None
    numbers = all(isinstance(value, int | float) for value in vars(found).values())
    return found if numbers and found.decimals in (2, 3, 4) else None


def provenance_of_all(parts: Sequence[Predictions]) -> dict[str, Any]:
    """What to keep of parts of one data set: each note once, the coarsest rounding and the widest sums."""
    said = [note for part in parts for note in _plain_notes(part.provenance)]
    kept: dict[str, Any] = {NOTES: list(dict.fromkeys(said))} if said else {}
    found = [rounding for part in parts if (rounding := rounding_of(part.provenance)) is not None]
    if not found:
        return kept
    return kept | provenance_of(
        Rounding(
            min(one.decimals for one in found),
            min(one.lowest for one in found),
            max(one.highest for one in found),
            max(one.within for one in found),
        )
    )


def notes_of(predictions: Predictions) -> list[str]:
    """What a reader must know: sentences in the provenance, and logits that look like probabilities."""
    notes, rounding = _plain_notes(predictions.provenance), rounding_of(predictions.provenance)
    looks = [LOOK_LIKE_PROBS] if look_like_probs(predictions) else []
    return [*notes, *looks, *([] if rounding is None else [rounding.note])]


def _plain_notes(provenance: Mapping[str, Any]) -> list[str]:
    said = provenance.get(NOTES)
    return [str(note) for note in said] if isinstance(said, list) else []


def why_zero(provenance: Mapping[str, Any]) -> str:
    """What to add to a word about labels of probability 0, where rounding may have made it so.

    >>> why_zero({"rounded": {"decimals": 2, "lowest": 0.99, "highest": 1.01, "within": 0.02}})
    '; rounding to 2 decimals makes 0 of what is below 0.005: save more of them, or logits'
    """
    rounding = rounding_of(provenance)
    if rounding is None:
        return ""
    below = f"{0.5 * 10.0**-rounding.decimals:.{rounding.decimals + 1}f}"
    return f"; rounding to {rounding.decimals} decimals makes 0 of what is below {below}: save more of them, or logits"
