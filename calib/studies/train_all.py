"""Many networks at once: configurations in, run directories out, one process a core."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from calib.environment import exit_on_termination
from calib.errors import InputError
from calib.training.config import TrainConfig
from calib.training.finished import is_finished

if TYPE_CHECKING:
    from calib.training.checkpoint import Checkpoint
    from calib.training.loop import OnEpoch

OnProgress: TypeAlias = Callable[[float, int], None]  # networks done, networks in all
Watch: TypeAlias = Callable[[str], "OnEpoch"]  # a network's name in, what is called after each of its epochs out


def grid(
    base: TrainConfig, *, smoothing: Sequence[float], seeds: Sequence[int], paired_splits: bool = False
) -> dict[str, TrainConfig]:
    """Name and list the runs: ``base`` with each smoothing and seed, seed by seed.

    With ``paired_splits`` a seed has a split of its own too, the same for every smoothing.

    >>> list(grid(TrainConfig(dataset="digits"), smoothing=[0, 0.05], seeds=[0]))
    ['hard-seed0', 'smoothing0.05-seed0']
    """
    return uniquely_named(
        (
            f"{f'smoothing{alpha:g}' if alpha else 'hard'}-seed{seed}",
            replace(base, smoothing=alpha, seed=seed, split_seed=seed if paired_splits else base.split_seed),
        )
        for seed in seeds
        for alpha in smoothing
    )


def uniquely_named(pairs: Iterable[tuple[str, TrainConfig]]) -> dict[str, TrainConfig]:
    """Configurations by name.  Raises `InputError` where two different ones have the same."""
    named: dict[str, TrainConfig] = {}
    for name, config in pairs:
        if named.setdefault(name, config) != config:
            raise InputError(f"two networks are both called {name}", help="give numbers that differ in six digits")
    return named


def train_all(
    configs: Mapping[str, TrainConfig],
    folder: Path | str,
    *,
    workers: int | None = None,
    force: bool = False,
    data_dir: Path | None = None,
    device: str = "cpu",
    on_progress: OnProgress | None = None,
    watch: Watch | None = None,
) -> list[Path]:
    """Train every config into a run directory of its name below ``folder``, one torch thread a process.

    Finished runs of the same configuration are kept and unfinished ones go on where they were, unless ``force``.
    ``workers`` is the number of processes, by default one a core.  In each of them ``watch``, which must be picklable,
    is asked for every network what to call with its checkpoint after every epoch.  Raises what a run raises, after
    stopping the others.
    """
    paths = {name: Path(folder) / name for name in configs}
    missing = {name: config for name, config in configs.items() if force or not is_finished(config, paths[name])}
    refuse_other_runs(missing, folder, force=force)
    done = float(len(configs) - len(missing))
    if on_progress is not None:
        on_progress(done, len(configs))
    if missing:
        with _pool(workers or min(_cores(), len(missing))) as (pool, parts):
            pending = {
                pool.submit(_work, config, paths[name], data_dir, force, device, watch and partial(watch, name))
                for name, config in missing.items()
            }
            while pending:
                finished, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                while not parts.empty():
                    done += parts.get()
                if on_progress is not None:
                    on_progress(done, len(configs))
                _raise_first(finished)
    return list(paths.values())


def refuse_other_runs(configs: Mapping[str, TrainConfig], folder: Path | str, *, force: bool = False) -> None:
    """Raise `InputError` where ``folder`` holds runs of these names that cannot be gone on with, or anything else."""
    from calib.runs import found_run, refuse_other_content

    for name, config in configs.items():
        refuse_other_content(Path(folder) / name)
        if not force:
            found_run(config, Path(folder) / name, resume=True)


@contextmanager
def _pool(workers: int) -> Iterator[tuple[ProcessPoolExecutor, Any]]:
    """Worker processes that leave Ctrl-C to their parent, which stops them and tidies up when anything goes wrong."""
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    parts = context.Queue()
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(parts,))
    try:
        yield pool, parts
    except BaseException:
        mine = set(multiprocessing.active_children()) - others
        pool.shutdown(wait=False, cancel_futures=True)
        for process in mine:
            process.terminate()
        for process in mine:
            process.join()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        parts.close()


_parts: Any = None  # of a worker process: the queue for how much of a network it has just done


def _start_worker(parts: Any) -> None:
    import torch

    global _parts
    _parts = parts
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    exit_on_termination()


def _work(
    config: TrainConfig,
    path: Path,
    data_dir: Path | None,
    force: bool,
    device: str,
    watch: "Callable[[], OnEpoch] | None",
) -> None:
    from calib.runs import train_run

    reported, look = 0.0, watch() if watch is not None else None

    def report(checkpoint: "Checkpoint") -> None:
        nonlocal reported
        part = len(checkpoint.history) / checkpoint.n_epochs
        _parts.put(part - reported)
        reported = part
        if look is not None:
            look(checkpoint)

    try:
        train_run(config, path, data_dir=data_dir, device=device, force=force, resume=not force, on_epoch=report)
    except SystemExit:  # SIGTERM has unwound the run; the pool would keep this process for the next one
        os._exit(143)


def _raise_first(futures: set[Future[None]]) -> None:
    for future in futures:
        future.result()


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
