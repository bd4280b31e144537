"""ECE of the same predictions under the binning rules of other packages: where a published number comes from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from calib._arrays import AnyArray, Bool, Int
from calib.arguments import as_outcomes, as_predictions, unweighted
from calib.binning import equal_width_edges
from calib.outcomes import Outcomes
from calib.predictions import ArrayLike, Predictions

if TYPE_CHECKING:
    import pandas as pd

PREDICTED, POSITIVE, GIVEN = "predicted class", "P(y = 1)", "as given"


@dataclass(frozen=True)
class Convention:
    """One package's rule for pairs (confidence, correct), as data.

    ``closed`` is the side of a bin that belongs to it, and ``end`` what becomes of the one value that half-open bins
    leave out: 0 for (a, b], 1.0 for [a, b).  ``running`` names the sums that are taken one example after another in
    ``dtype``; the others are as good as exact.  ``divisor`` is what a bin's count is divided by.  ``two_classes`` says
    what the package asks about when there are two; of more classes every package asks about the predicted one.
    """

    name: str
    closed: Literal["(a, b]", "[a, b)"]
    edges: str  # a key of EDGES
    end: Literal["joins", "own", "dropped"]
    dtype: Literal["float32", "float64"]
    two_classes: tuple[str, ...]
    running: tuple[str, ...] = ()
    divisor: Literal["all", "binned"] = "binned"
    clipped: bool = False  # to [ε, 1 − ε], ε the spacing of ``dtype`` at 1
    counts: str = ""  # a key of EDGES, where examples are counted in other bins than they are averaged in
    by_predicted_class: bool = False  # the mean of one ECE a predicted class

    def interval(self, n_bins: int) -> str:
        """The rule in words.

        >>> CONVENTIONS[0].interval(15)
        '(a, b], 15 bins, edges i / n; 0 in the first bin'
        """
        value, bin_name = ("0", "first") if self.closed == "(a, b]" else ("1.0", "last")
        end = {"joins": f"in the {bin_name} bin", "own": "in a bin of its own", "dropped": "left out"}[self.end]
        counts = f", counts by {self.counts}" if self.counts else ""
        whole = "; mean over predicted classes" if self.by_predicted_class else ""
        n_real = len(EDGES[self.edges](n_bins)) - 1
        return f"{self.closed}, {n_real} bins, edges {self.edges}{counts}; {value} {end}{whole}"

    def ece(self, outcomes: Outcomes, n_bins: int) -> tuple[float, int]:
        """The ECE, NaN where every example is left out, and how many are."""
        edges = EDGES[self.edges](n_bins)
        values = outcomes.confidence.astype(self.dtype)
        if self.clipped:
            epsilon = np.finfo(self.dtype).eps
            values = values.clip(epsilon, 1 - epsilon)
        index, kept = self._bins(values, edges)
        counted = self._bins(values, EDGES[self.counts](n_bins))[0] if self.counts else index
        values, correct = values[kept], outcomes.correct[kept]
        averaged = np.bincount(index, minlength=len(edges) + 1)[counted] > 0
        groups = [np.ones(len(kept), bool)]
        if self.by_predicted_class:
            groups = [outcomes.predicted == label for label in np.unique(outcomes.predicted)]
        parts = [
            self._sum(values[rows], correct[rows], index[rows], counted[rows], len(edges) + 1, group.sum())
            for group, rows in ((group, group[kept]) for group in groups)
        ]
        return float(np.mean(parts)), int(len(kept) - averaged.sum())

    def _bins(self, values: AnyArray, edges: AnyArray) -> tuple[Int, Bool]:
        """The bin of each kept value, from 1; a bin of one's own is 0 or ``len(edges)``."""
        open_below = self.closed == "(a, b]"
        index = np.searchsorted(edges, values, side="left" if open_below else "right")
        outside, nearest = (0, 1) if open_below else (len(edges), len(edges) - 1)
        kept = np.ones(len(values), bool) if self.end != "dropped" else index != outside
        if self.end == "joins":
            index[index == outside] = nearest
        if open_below:
            kept &= index < len(edges)  # MAPIE with one bin has one edge, 0, and nothing above it
        return index[kept], kept

    def _sum(self, values: AnyArray, correct: Bool, index: Int, counted: Int, slots: int, n: int) -> float:
        count = self._totals("count", np.ones(len(values)), index, slots)
        confidence, accuracy = (
            np.divide(self._totals(name, column, index, slots), count, out=np.zeros_like(count), where=count > 0)
            for name, column in (("confidence", values), ("correct", correct))
        )
        weight = np.bincount(counted, minlength=slots) if self.counts else count
        divisor = n if self.divisor == "all" else weight.sum()
        return float((np.abs(confidence - accuracy) * (weight / divisor)).sum()) if divisor else float("nan")

    def _totals(self, name: str, column: AnyArray, index: Int, slots: int) -> AnyArray:
        if name not in self.running:
            exact = np.bincount(index, weights=column, minlength=slots)
            return exact.astype(self.dtype if self.running else np.float64)
        totals = np.zeros(slots, self.dtype)
        np.add.at(totals, index, column.astype(self.dtype))
        return totals


def _torch_linspace(n_bins: int, dtype: Any) -> AnyArray:
    """The edges of ``torch.linspace`` on processors with fused multiply-add: one rounding, from either end inwards."""
    step = Fraction(float(dtype(1) / dtype(n_bins)))
    half = (n_bins + 1) // 2
    exact = [i * step if i < half else 1 - (n_bins - i) * step for i in range(n_bins + 1)]
    return np.array([float(edge) for edge in exact]).astype(dtype)  # a float32 step times i is exact in float64


def _floor_edges(n_bins: int) -> AnyArray:
    """The least float32 p for which n · p, rounded to float32, reaches i: where ``floor(n * p)`` steps up."""
    whole = np.arange(n_bins + 1, dtype=np.float32)
    n, edges = np.float32(n_bins), (np.arange(n_bins + 1) / n_bins).astype(np.float32)
    for _ in range(2):
        edges = np.where(edges * n < whole, np.nextafter(edges, np.float32(2)), edges)
    for _ in range(4):
        below = np.nextafter(edges, np.float32(0))
        edges = np.where(below * n >= whole, below, edges)
    return edges


EDGES: dict[str, Callable[[int], AnyArray]] = {
    "i / n": equal_width_edges,
    "numpy.linspace": lambda n: np.linspace(0, 1, n + 1),
    "numpy.linspace in float32": lambda n: np.linspace(0, 1, n + 1).astype(np.float32),
    "numpy.linspace of n points": lambda n: np.linspace(0, 1, n),
    "torch.linspace in float32": lambda n: _torch_linspace(n, np.float32),
    "torch.linspace in float64": lambda n: _torch_linspace(n, np.float64),
    "floor(n · p) in float32": _floor_edges,
}

_GUO = Convention(
    "Guo et al. (gpleiss)", "(a, b]", "torch.linspace in float32", "dropped", "float32", (PREDICTED,), divisor="all"
)
_NETCAL = Convention("netcal", "[a, b)", "numpy.linspace", "joins", "float64", (POSITIVE,), clipped=True)
_TORCHMETRICS = Convention(
    "torchmetrics",
    "[a, b)",
    "torch.linspace in float32",
    "own",
    "float32",
    (PREDICTED, POSITIVE),
    running=("count", "confidence", "correct"),
)
_MAPIE = Convention("MAPIE", "(a, b]", "numpy.linspace of n points", "own", "float64", (POSITIVE,))
CONVENTIONS = (
    Convention("calib", "(a, b]", "i / n", "joins", "float64", (PREDICTED, POSITIVE)),
    _GUO,
    replace(_GUO, dtype="float64"),  # float64 logits: torch.linspace still makes float32 edges
    replace(_GUO, dtype="float64", edges="torch.linspace in float64"),  # under set_default_dtype(float64)
    _NETCAL,
    replace(_NETCAL, dtype="float32", edges="numpy.linspace in float32", counts="numpy.linspace"),
    _TORCHMETRICS,
    replace(
        _TORCHMETRICS,
        name="torchmetrics (binary)",
        edges="torch.linspace in float64",
        dtype="float64",
        two_classes=(POSITIVE,),
    ),
    Convention("scikit-learn", "(a, b]", "numpy.linspace", "joins", "float64", (POSITIVE,)),
    Convention(
        "TensorFlow Probability",
        "[a, b)",
        "floor(n · p) in float32",
        "joins",
        "float32",
        (PREDICTED,),
        running=("confidence",),
    ),
    _MAPIE,
    replace(_MAPIE, name="MAPIE (top_label_ece)", two_classes=(PREDICTED,), by_predicted_class=True),
)


def conventions(
    predictions: Predictions | Outcomes | ArrayLike, labels: ArrayLike | None = None, *, n_bins: int = 15
) -> "pd.DataFrame":
    """ECE of the same predictions as other packages bin them: one row a convention.  [0, 1]; lower is better.

    Takes what `ece` takes, or `Outcomes`.  ``what`` is the event: the predicted class, or P(y = 1) where there are two
    classes and the package asks about that; `Outcomes` are taken as given.  ``difference`` is to calib's ECE of the
    same event, ``dropped`` how many examples the convention leaves out.  ``on_edge`` counts confidences equal to an
    inner edge i / n in float64, ``at_zero`` and ``at_one`` those at the ends, and ``near_edge`` all within 1e-6 of an
    edge or end, which float32 may put on either side: where there are none, only sums in float32 and MAPIE, which takes
    n − 1 bins, differ from calib.  Rules of netcal 1.4, torchmetrics 1.9, scikit-learn 1.9, TensorFlow Probability
    0.25, MAPIE 1.6 and gpleiss/temperature_scaling (Guo et al. 2017).

    Raises `InputError` for bad input and sample weights.

    >>> from calib import Outcomes
    >>> table = conventions(Outcomes.from_confidence([0.95, 1.0], [True, False]), n_bins=10)
    >>> table.loc[table["convention"] == "torchmetrics (binary)", ["ece", "difference", "at_one"]].round(3).values
    array([[0.525, 0.05 , 1.   ]])
    """
    import pandas as pd

    inner = equal_width_edges(n_bins)[1:-1]
    rows = []
    for what, outcomes, asking in _events(predictions, labels):
        confidence = outcomes.confidence
        nearest = (confidence * n_bins).round() / n_bins
        special = {
            "on_edge": int(np.isin(confidence, inner).sum()),
            "near_edge": int((np.abs(confidence - nearest) <= 1e-6).sum()),
            "at_zero": int((confidence == 0).sum()),
            "at_one": int((confidence == 1).sum()),
        }
        reference, _ = CONVENTIONS[0].ece(outcomes, n_bins)
        for convention in asking:
            ece, dropped = convention.ece(outcomes, n_bins)
            rows.append(
                {
                    "convention": convention.name,
                    "what": what,
                    "interval": convention.interval(n_bins),
                    "dtype": convention.dtype,
                    "ece": ece,
                    "difference": ece - reference,
                    "dropped": dropped,
                    **special,
                }
            )
    return pd.DataFrame(rows)


def _events(
    predictions: Predictions | Outcomes | ArrayLike, labels: ArrayLike | None
) -> Iterator[tuple[str, Outcomes, list[Convention]]]:
    """Each event that is asked about, its outcomes, and the conventions that ask about it."""
    if isinstance(predictions, Outcomes):
        given = unweighted(as_outcomes(predictions, labels), "conventions")
        yield GIVEN, given, [c for c in CONVENTIONS if given.losses is not None or not c.by_predicted_class]
        return
    checked = as_predictions(predictions, labels)
    predicted, two = unweighted(checked.outcomes, "conventions"), checked.n_classes == 2
    yield PREDICTED, predicted, [c for c in CONVENTIONS if not two or PREDICTED in c.two_classes]
    if two:
        yield POSITIVE, as_outcomes(checked, of=1), [c for c in CONVENTIONS if POSITIVE in c.two_classes]
