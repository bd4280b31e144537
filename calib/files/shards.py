"""Predictions that need not fit into memory: a file, a folder of shards or a glob, read part by part."""

import glob
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from calib._arrays import AnyArray, read_only
from calib._extras import library
from calib._text import printable
from calib.content_hash import file_hash
from calib.errors import InputError
from calib.files.arrow_table import ArrowColumns
from calib.files.columns import predictions_from
from calib.files.naming import naming
from calib.files.plain_file import check_file
from calib.files.read import read_predictions
from calib.files.rounded import provenance_of_all
from calib.files.run_folder import CHECKPOINT, CONFIG
from calib.files.sniff import describe
from calib.predictions import Kind, Predictions

Found = TypeVar("Found")
Item = TypeVar("Item")

IN_MEMORY = 1 << 30  # bytes of files that are read whole where rows are needed
ENTRIES = 1 << 20  # of a part: 8 MiB of float64
ENDINGS = (".parquet", ".pq", ".npz", ".csv", ".csv.gz", ".jsonl", ".feather", ".arrow", ".safetensors")


def is_glob(path: Path | str) -> bool:
    """Whether a SOURCE names several files by a pattern.

    >>> is_glob("predictions/*.parquet"), is_glob("predictions.parquet")
    (True, False)
    """
    return glob.has_magic(str(path)) and not Path(path).exists()


@dataclass(frozen=True, eq=False)
class Shards:
    """The parts of one data set: ``files`` in order, Parquet in batches of rows, other formats a file at a time."""

    files: tuple[Path, ...]
    kind: Kind | None = None
    class_names: tuple[str, ...] | None = None

    @classmethod
    def of(cls, path: Path | str, *, kind: Kind | None = None, class_names: Sequence[str] | None = None) -> "Shards":
        """Find the files of a glob, a folder or a single file, sorted by name.

        Raises `InputError` where there are none.

        >>> import tempfile, numpy
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for day in range(3):
        ...         numpy.savez(f"{folder}/{day}.npz", probs=[[0.9, 0.1], [day / 4, 1 - day / 4]], labels=[0, 1])
        ...     sum(part.n for part in Shards.of(f"{folder}/*.npz"))
        6
        """
        path = Path(path)
        if is_glob(path):
            found = sorted(Path(name) for name in glob.glob(str(path), recursive=True))
        elif path.is_dir():
            found = sorted(file for file in path.iterdir() if file.name.lower().endswith(ENDINGS))
        else:
            found = [path]
        files = tuple(file for file in found if file.is_file())
        if not files:
            raise InputError(f"{path} names no files of predictions", help=f"known are {', '.join(ENDINGS)}")
        _refuse_twins(files)
        return cls(files, kind, None if class_names is None else tuple(class_names))

    @property
    def n_bytes(self) -> int:
        """The size of all files."""
        return sum(file.stat().st_size for file in self.files)

    def __iter__(self) -> Iterator[Predictions]:
        """Every part in turn.  Raises `InputError` for a damaged file, and where parts differ in classes or kind."""
        first: Predictions | None = None
        known: set[str] = set()
        for file in self.files:
            for part in self._parts(file, known):
                if first is None:
                    first = part
                elif (part.kind, part.n_classes) != (first.kind, first.n_classes):
                    raise InputError(
                        f"{file} holds {part.kind} of {part.n_classes} classes, the files before {first.kind} of "
                        f"{first.n_classes}",
                        help="evaluate data sets of one model together, others apart",
                    )
                yield part

    def gather(self, of: Callable[[Predictions], Found]) -> Iterator[Found]:
        """What ``of`` finds in each part, in order.  Errors of parts that know their file name it."""
        for part in self:
            file, row = (part.provenance.get(name) for name in ("file", "row"))
            with naming(None if file is None else f"{file}{_after(row)}"):
                found = of(part)
            yield found

    def whole(self) -> Predictions:
        """All rows as one, in memory.  Raises `InputError` where the files are larger than `IN_MEMORY`."""
        if self.n_bytes > IN_MEMORY:
            raise InputError(
                f"this takes all rows into memory, and {self.files[0].parent} holds {self.n_bytes / 2**30:.1f} GiB",
                help="`calib evaluate`, `calibrate` and `reliability-plot` by themselves stream them; or name one file",
            )
        return joined(list(self))

    def sample(self, rows: int) -> Predictions:
        """At most about as many rows, from the beginnings of files spread over the whole; the same every time."""
        chosen = spread(self.files)
        heads = [next(self._parts(file), None) for file in chosen]
        found = [head for head in heads if head is not None] or list(itertools.islice(self, 1))
        return to_guess_from([head[: -(-rows // len(found))] for head in found])

    def _parts(self, file: Path, known: set[str] | None = None) -> Iterator[Predictions]:
        """The parts of a file; a Parquet file must have the columns that are ``known`` of those before it."""
        check_file(file, "a predictions file", help="name files that can be read")
        if describe(file) != "a Parquet file":
            yield read_predictions(file, kind=self.kind, class_names=self.class_names)
            return
        arrow = library("pyarrow", extra="parquet", what="a Parquet file")
        parquet = library("pyarrow.parquet", extra="parquet", what="a Parquet file")
        row = 0
        try:
            with parquet.ParquetFile(file, page_checksum_verification=True, pre_buffer=False) as table:
                width = len(table.schema_arrow.names)
                if known and (missing := sorted(known - set(table.schema_arrow.names))):
                    raise InputError(
                        f"{file} lacks the column {printable(missing[0])!r}, which the files before have",
                        help="write the same columns into every file",
                    )
                if known is not None:
                    known.update(table.schema_arrow.names)
                wide = [name for name in table.schema_arrow.names if _is_list(table.schema_arrow.field(name).type)]
                if wide and table.metadata.num_rows:
                    head = next(table.iter_batches(1, columns=wide))
                    width = sum(len(head.column(name)[0]) for name in wide)
                for batch in table.iter_batches(max(ENTRIES // max(width, 1), 1)):
                    if batch.num_rows:
                        yield self._made(file, ArrowColumns(arrow.Table.from_batches([batch])), row)
                        row += batch.num_rows
        except InputError:
            raise
        except Exception as error:  # pyarrow raises several kinds on a damaged file; each means the same
            reason = printable(str(error).splitlines()[0] if str(error) else type(error).__name__)
            raise InputError(f"{file} is damaged ({reason})", help="write it again") from error

    def _made(self, file: Path, columns: Mapping[str, AnyArray], row: int) -> Predictions:
        with naming(f"{file}{_after(row)}"):
            made = predictions_from(columns, kind=self.kind, class_names=self.class_names)
        return replace(made, provenance={**made.provenance, "file": str(file), "row": row})


def is_shards(source: Path) -> bool:
    """Whether a SOURCE is a glob, or a folder of shards that is no run."""
    if is_glob(source):
        return True
    if not source.is_dir() or (source / CHECKPOINT).exists() or (source / CONFIG).exists():
        return False
    return any(file.name.lower().endswith(ENDINGS) for file in source.iterdir())


def spread(whole: Sequence[Item], *, most: int = 8) -> Sequence[Item]:
    """At most as many items, evenly from the whole of them.

    >>> list(spread(range(100), most=4)), list(spread(range(7), most=4))
    ([0, 25, 50, 75], [0, 2, 4, 6])
    """
    return whole[:: max(1, -(-len(whole) // most))]


def joined(parts: Sequence[Predictions]) -> Predictions:
    """Parts of one data set as one, each with its temperature and its notes.

    Raises `InputError` where there are none, they name their classes otherwise, or only some have weights.
    """
    if not parts:
        raise InputError("there are no rows", help="were the predictions written to the end?")
    names = parts[0].class_names
    if any(part.class_names != names for part in parts):
        raise InputError("some parts name their classes in another order", help="write the columns in one order")
    make = Predictions.from_logits if parts[0].kind == "logits" else Predictions.from_probs
    weights = [part.sample_weight for part in parts if part.sample_weight is not None]
    if 0 < len(weights) < len(parts):
        raise InputError("some parts have sample weights and some have none", help="give all of them weights")
    whole = make(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.labels for part in parts]),
        class_names=names,
        provenance=provenance_of_all(parts),
        sample_weight=np.concatenate(weights) if weights else None,
    )
    beta = np.concatenate([np.broadcast_to(np.asarray(part.beta, np.float64), part.n) for part in parts])
    return replace(whole, beta=float(beta[0]) if (beta == beta[0]).all() else read_only(beta))


def to_guess_from(parts: Sequence[Predictions]) -> Predictions:
    """Some rows joined, as a first guess at the whole: without their weights where these happen to be all 0."""
    found = joined(parts)
    return (
        replace(found, sample_weight=None)
        if found.sample_weight is not None and not found.sample_weight.any()
        else found
    )


def _after(row: object) -> str:
    return f", after row {row}" if row else ""


def _refuse_twins(files: Sequence[Path]) -> None:
    """A file that lies there twice would count twice; only those of one size and one end are read to find out."""
    alike: Iterable[Sequence[Path]] = [files]
    for property_of in (_size, _end, file_hash):
        groups: dict[object, list[Path]] = {}
        for number, group in enumerate(alike):
            for file in group:
                groups.setdefault((number, property_of(file)), []).append(file)
        alike = [group for group in groups.values() if len(group) > 1]
    for first, second, *_ in alike:
        raise InputError(f"{second} holds the very bytes of {first.name}", help="take one of them away")


def _size(file: Path) -> int:
    return file.stat().st_size


def _end(file: Path) -> bytes:
    """The last bytes, in which formats keep their checksums."""
    with file.open("rb") as content:
        content.seek(max(0, _size(file) - 4096))
        return content.read()


def _is_list(kind: Any) -> bool:
    return str(kind).startswith(("list", "large_list", "fixed_size_list"))
