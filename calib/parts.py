"""Predictions in parts: gone through again and again, alike in kind, and what is found in each added up."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, Self, TypeAlias, TypeVar

from calib.errors import InputError
from calib.predictions import Kind, Predictions

OnPart: TypeAlias = Callable[[int], None]  # rows of the part that was just read


class Sum(Protocol):
    """What was found in parts, and adds up over them."""

    def __add__(self, other: Self, /) -> Self: ...


Found = TypeVar("Found", bound=Sum)


class Parts(Protocol):
    """Predictions in parts that can be gone through again and again, here or elsewhere, and sampled."""

    def gather(self, of: Callable[[Predictions], Found]) -> Iterator[Found]:
        """What ``of``, a function that can be pickled, finds in each part; neighbours may come added up."""

    def sample(self, rows: int) -> Predictions:
        """About as many rows of the whole."""


@dataclass(frozen=True, eq=False)
class OnePart:
    """Predictions in memory, as `Parts`."""

    predictions: Predictions

    def gather(self, of: Callable[[Predictions], Found]) -> Iterator[Found]:
        """What ``of`` finds in them."""
        yield of(self.predictions)

    def sample(self, rows: int) -> Predictions:
        """The first rows."""
        return self.predictions[:rows]


@dataclass(frozen=True)
class Likeness:
    """What parts of one data set have in common."""

    kind: Kind
    n_classes: int
    weighted: bool

    @classmethod
    def of(cls, part: Predictions) -> "Likeness":
        """That of a part."""
        return cls(part.kind, part.n_classes, part.sample_weight is not None)

    def check(self, other: "Likeness", *, weights: bool = True) -> None:
        """Raise `InputError` where parts are of different models, or some have weights and some have none."""
        if (self.kind, self.n_classes) != (other.kind, other.n_classes):
            raise InputError(
                f"some parts hold {self.kind} of {self.n_classes} classes, others {other.kind} of {other.n_classes}",
                help="evaluate data sets of one model together, others apart",
            )
        if weights and self.weighted != other.weighted:
            raise InputError("some parts have sample weights and some have none", help="give all of them weights")


class CountedSum(Sum, Protocol):
    """A sum that knows its number of rows."""

    @property
    def n(self) -> int:
        """Number of rows."""


Counted = TypeVar("Counted", bound=CountedSum)


def total_of(found: Iterator[Counted], on_part: OnPart | None) -> Counted:
    """Add all up.  Raises `InputError` where there is nothing."""
    total: Counted | None = None
    for one in found:
        total = one if total is None else total + one
        if on_part is not None:
            on_part(one.n)
    if total is None:
        raise InputError("there are no rows", help="were the predictions written to the end?")
    return total
