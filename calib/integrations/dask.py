"""Predictions gathered by Dask: files or a dataframe, whose sums are made where the parts lie."""

import logging
import os
from asyncio import CancelledError
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError as FutureCancelled
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any, TypeVar

from calib._extras import library
from calib._text import printable
from calib.errors import InputError, LostProcessError
from calib.files.shards import Shards, spread, to_guess_from
from calib.predictions import Kind, Predictions

Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)
class DaskParts:
    """Parts of one data set that the workers of a Dask ``client`` read: pass it to `calib.evaluate_streamed`.

    A task reads its part anew and brings back sums, so the tasks of a killed worker are done again elsewhere and every
    part is added exactly once.  What crosses the network is sums and, once, a sample of rows.

        from dask.distributed import Client

        with Client("tcp://scheduler:8786") as client:  # or Client(), for processes of this machine
            report = calib.evaluate_streamed(DaskParts.of_shards(client, calib.Shards.of("logs/*.parquet")))
            report = calib.evaluate_streamed(DaskParts.of_dataframe(client, dask.dataframe.read_parquet("logs")))
    """

    client: Any
    parts: Sequence[Any]  # Shards of one file, or delayed parts of a dataframe

    @classmethod
    def of_shards(cls, client: Any, shards: Shards) -> "DaskParts":
        """One task a file; every worker must find the files under the same paths."""
        return cls(client, [replace(shards, files=(file.absolute(),)) for file in shards.files])

    @classmethod
    def of_dataframe(
        cls, client: Any, frame: Any, *, kind: Kind | None = None, class_names: Sequence[str] | None = None
    ) -> "DaskParts":
        """One task a partition of a Dask dataframe, whose columns are named as those of files of predictions are.

        ``kind`` and ``class_names`` as in `calib.Predictions.load`.
        """
        delayed = _dask().delayed(FramePart)
        names = None if class_names is None else tuple(class_names)
        return cls(client, [delayed(part, kind, names) for part in frame.to_delayed()])

    def gather(self, of: Callable[[Predictions], Found]) -> Iterator[Found]:
        """What ``of`` finds in each part, added up over the parts of a task, in order.

        Raises `InputError` as reading does, and `LostProcessError` where workers keep dying or the scheduler is gone.
        """
        return (found for found in self._run(_added, self.parts, of) if found is not None)

    def sample(self, rows: int) -> Predictions:
        """At most about as many rows, from the beginnings of parts spread over the whole."""
        chosen = spread(self.parts)
        for parts in (chosen, self.parts):  # those chosen may all be empty
            found = [head for head in self._run(_head, parts, -(-rows // len(chosen))) if head is not None]
            if found:
                break
        return to_guess_from(found)

    def _run(self, task: Callable[..., Any], parts: Sequence[Any], argument: Any) -> Iterator[Any]:
        delayed = _dask().delayed(task, pure=False)
        with _told_apart():
            futures = self.client.compute([delayed(part, argument) for part in parts])
            try:
                while futures:
                    yield futures[0].result()
                    del futures[0]  # the worker need not keep it
            finally:
                self.client.cancel(futures)


@dataclass(frozen=True, eq=False)
class FramePart:
    """One partition of a dataframe: Predictions of its columns, or nothing where it has no rows."""

    frame: Any
    kind: Kind | None
    class_names: tuple[str, ...] | None

    def __iter__(self) -> Iterator[Predictions]:
        if len(self.frame):
            yield Predictions.from_frame(self.frame, kind=self.kind, class_names=self.class_names)

    def gather(self, of: Callable[[Predictions], Found]) -> Iterator[Found]:
        """What ``of`` finds in it."""
        return map(of, self)


def _added(part: Shards | FramePart, of: Callable[[Predictions], Any]) -> Any:
    found = list(part.gather(of))
    return reduce(add, found) if found else None


def _head(part: Shards | FramePart, rows: int) -> Predictions | None:
    return next((predictions[:rows] for predictions in part), None)


@contextmanager
def connected(scheduler: str | None = None, *, timeout: float = 20.0) -> Iterator[Any]:
    """A Dask client of the scheduler at an address, or of worker processes of this machine, one a core.

    Raises `InputError` where nothing answers there within ``timeout`` seconds.
    """
    distributed = library("distributed", extra="dask", what="Dask")
    if scheduler is not None:
        try:
            client = distributed.Client(scheduler, timeout=timeout)
        except Exception as error:  # a wrong address, no answer, another protocol: each its own kind
            reason = printable(str(error).partition("\n")[0] or type(error).__name__)
            raise InputError(
                f"no Dask scheduler answers at {printable(scheduler)} ({reason})",
                help="`dask scheduler` prints its address, such as tcp://10.0.0.1:8786",
            ) from error
        with client:
            try:
                client.wait_for_workers(1, timeout=timeout)
            except TimeoutError as error:
                raise InputError(
                    f"the Dask scheduler at {printable(scheduler)} has no workers", help="start some: dask worker"
                ) from error
            yield client
        return
    quiet = {"silence_logs": logging.CRITICAL, "dashboard_address": None}
    cluster = distributed.LocalCluster(threads_per_worker=1, n_workers=os.cpu_count(), **quiet)
    with cluster, distributed.Client(cluster) as client:
        yield client


@contextmanager
def _told_apart() -> Iterator[None]:
    """Errors in the data, or of somebody's own code, come back as they are; a lost worker or scheduler is named."""
    try:
        yield
    except InputError:
        raise
    except ModuleNotFoundError as error:
        raise InputError(f"the workers cannot import {error.name}", help="install calib on every worker") from error
    except FileNotFoundError as error:
        raise InputError(
            f"a worker does not find {printable(str(error.filename or error))}",
            help="every worker must find the files under the same paths",
        ) from error
    except _lost() as error:
        reason = printable(str(error).partition("\n")[0] or type(error).__name__)
        raise LostProcessError(
            f"Dask lost workers or its scheduler ({reason})", help="nothing was counted twice; run it again"
        ) from error


def _lost() -> tuple[type[BaseException], ...]:
    """What Dask raises where a worker or the scheduler is gone."""
    comm, scheduler = (library(f"distributed.{name}", extra="dask", what="Dask") for name in ("comm", "scheduler"))
    return (
        comm.CommClosedError,
        scheduler.KilledWorker,
        CancelledError,
        FutureCancelled,
        TimeoutError,
        ConnectionError,
    )


def _dask() -> Any:
    return library("dask", extra="dask", what="Dask")
