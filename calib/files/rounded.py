"""Probabilities that were rounded to a few decimals, so that rows no longer sum to 1: recognised, and said so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calib._arrays import AnyArray
from calib.predictions import Predictions

DECIMALS = "decimals"  # in provenance: to how many the probabilities had been rounded
NOTES = "notes"
MOST = 0.05  # that a sum may lack: beyond it too much was lost, whatever the decimals allow
EXACT = 1e-6  # sums as near to 1 as this were not spoilt by rounding to four decimals or fewer


@dataclass(frozen=True, eq=False)
class Rounded:
    """Rows divided by their sums ``(n, k)``; every probability is then within ``within`` of what it was."""

    values: AnyArray
    decimals: int
    sums: tuple[float, float]
    within: float

    @property
    def note(self) -> str:
        """What a reader of the numbers must know."""
        return (
            f"the probabilities were rounded to {self.decimals} decimals (rows sum to {self.sums[0]:.4g} … "
            f"{self.sums[1]:.4g}) and divided by their sums: confidences are known to ± {self.within:.2g} only"
        )


def recognised(values: AnyArray) -> Rounded | None:
    """What becomes of ``values`` ``(n, k)``, or None unless rounding to 2, 3 or 4 decimals explains their sums.

    To d decimals each of k entries is off by at most 10⁻ᵈ / 2, a sum so by k times that, of which `MOST` is taken.

    >>> found = recognised(np.array([[0.33, 0.33, 0.33], [0.5, 0.25, 0.25]]))
    >>> found.decimals, found.values[0].round(4).tolist(), round(found.within, 4)
    (2, [0.3333, 0.3333, 0.3333], 0.0152)
    >>> recognised(np.array([[0.3, 0.3, 0.3]])) is None  # more is missing than rounding explains
    True
    """
    if values.ndim != 2 or values.shape[1] < 2 or values.dtype.kind != "f" or values.dtype.itemsize < 4:
        return None
    sums = values.sum(axis=1, dtype=np.float64)
    off = np.abs(sums - 1)
    if not EXACT < off.max(initial=0.0) <= MOST or values.min() < 0:  # NaN is found by whoever checks values
        return None
    for decimals in (2, 3, 4):
        steps = values.astype(np.float64) * 10**decimals
        half = 0.5 * 10.0**-decimals
        if np.abs(steps - np.round(steps)).max() > np.finfo(values.dtype).eps * 10**decimals:
            continue
        if off.max() > values.shape[1] * half + EXACT:
            return None
        divided = values.astype(np.float64) / sums[:, None]
        return Rounded(divided, decimals, (float(sums.min()), float(sums.max())), float(((half + off) / sums).max()))
    return None


def provenance_of(found: Rounded | None) -> dict[str, Any]:
    """What to keep of it beside the predictions."""
    return {} if found is None else {NOTES: [found.note], DECIMALS: found.decimals}


def provenance_of_all(parts: Sequence[Predictions]) -> dict[str, Any]:
    """The same of parts of one data set: each note once, and the fewest decimals."""
    notes = list(dict.fromkeys(note for part in parts for note in notes_of(part)))
    decimals = [part.provenance[DECIMALS] for part in parts if isinstance(part.provenance.get(DECIMALS), int)]
    return {**({NOTES: notes} if notes else {}), **({DECIMALS: min(decimals)} if decimals else {})}


def notes_of(predictions: Predictions) -> list[str]:
    """The sentences in the provenance that a reader must know."""
    said = predictions.provenance.get(NOTES)
    return [str(note) for note in said] if isinstance(said, list) else []


def why_zero(provenance: Mapping[str, Any]) -> str:
    """What to add to a word about labels of probability 0, where rounding may have made it so.

    >>> why_zero({"decimals": 2})
    '; rounding to 2 decimals makes 0 of what is below 0.005: save more of them, or logits'
    """
    decimals = provenance.get(DECIMALS)
    if not isinstance(decimals, int):
        return ""
    below = f"{0.5 * 10.0**-decimals:.{decimals + 1}f}"
    return f"; rounding to {decimals} decimals makes 0 of what is below {below}: save more of them, or logits"
