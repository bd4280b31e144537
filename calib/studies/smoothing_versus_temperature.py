"""Label smoothing or temperature scaling?  Train {hard, each α} × seeds, each judged with and without a temperature."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calib.calibrators.registry import as_method
from calib.diagnosis import Diagnosis, diagnose
from calib.environment import exit_on_termination
from calib.errors import InputError
from calib.evaluation import evaluate
from calib.predictions import Predictions
from calib.sources import Source, open_source
from calib.tables import compare, score_table
from calib.training.config import TrainConfig
from calib.training.finished import is_finished
from calib.verdict import comparison_verdict

if TYPE_CHECKING:
    import pandas as pd

    from calib.training.checkpoint import Checkpoint

OnProgress = Callable[[float, int], None]  # networks done, networks in all


@dataclass(frozen=True, eq=False)
class Comparison:
    """Every run with and without its temperature, one by one and averaged over seeds, and what that comes to.

    ``others`` are the test predictions of further calibrators, by run and name.
    """

    diagnoses: dict[str, Diagnosis]
    scores: "pd.DataFrame"
    table: "pd.DataFrame"
    verdict: str
    others: dict[str, dict[str, Predictions]] = field(default_factory=dict)

    def predictions(self, run: str, calibrator: str) -> Predictions:
        """The test predictions behind a row of ``scores``."""
        diagnosis = self.diagnoses[run]
        own = {"uncalibrated": diagnosis.before, "temperature": diagnosis.after}
        return own[calibrator] if calibrator in own else self.others[run][calibrator]


def grid(
    base: TrainConfig, *, smoothing: Sequence[float], seeds: Sequence[int], paired_splits: bool = False
) -> dict[str, TrainConfig]:
    """Name and list the runs: ``base`` with each smoothing and seed, seed by seed.

    With ``paired_splits`` a seed has a split of its own too, the same for every smoothing.

    >>> list(grid(TrainConfig(dataset="digits"), smoothing=[0, 0.05], seeds=[0]))
    ['hard-seed0', 'smoothing0.05-seed0']
    """
    return {
        f"{f'smoothing{alpha:g}' if alpha else 'hard'}-seed{seed}": replace(
            base, smoothing=alpha, seed=seed, split_seed=seed if paired_splits else base.split_seed
        )
        for seed in seeds
        for alpha in smoothing
    }


def train_all(
    configs: Mapping[str, TrainConfig],
    folder: Path | str,
    *,
    workers: int | None = None,
    force: bool = False,
    data_dir: Path | None = None,
    device: str = "cpu",
    on_progress: OnProgress | None = None,
) -> list[Path]:
    """Train every config into a run directory of its name below ``folder``, one torch thread a process.

    Finished runs of the same configuration are kept and unfinished ones go on where they were, unless ``force``.
    ``workers`` is the number of processes, by default one a core.  Raises what a run raises, after stopping the others.
    """
    from calib.runs import found_run

    paths = {name: Path(folder) / name for name in configs}
    missing = {name: config for name, config in configs.items() if force or not is_finished(config, paths[name])}
    if not force:
        for name, config in missing.items():
            found_run(config, paths[name], resume=True)  # other settings are refused before anything is trained
    done = float(len(configs) - len(missing))
    if on_progress is not None:
        on_progress(done, len(configs))
    if missing:
        with _pool(workers or min(_cores(), len(missing))) as (pool, parts):
            pending = {
                pool.submit(_work, config, paths[name], data_dir, force, device) for name, config in missing.items()
            }
            while pending:
                finished, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                while not parts.empty():
                    done += parts.get()
                if on_progress is not None:
                    on_progress(done, len(configs))
                _raise_first(finished)
    return list(paths.values())


def compare_runs(paths: Sequence[Path | str], *, calibrators: Sequence[str] = (), **options: Any) -> Comparison:
    """Open runs, fit each one's temperature on its calibration split, and tabulate both on the test split.

    ``calibrators`` are names of further methods, fitted on the calibration split too; ``options`` are those of
    `calib.sources.open_source`.  Raises `InputError` for runs that cannot be opened, and for methods that refuse them.
    """
    names = [Path(path).name for path in paths]
    diagnoses: dict[str, Diagnosis] = {}
    others: dict[str, dict[str, Predictions]] = {}
    for path in paths:
        source = open_source(path, **options)
        name = source.name if names.count(Path(path).name) == 1 and source.name not in diagnoses else str(path)
        if name in diagnoses:
            raise InputError(f"{path} is named twice", help="name each run once")
        diagnoses[name] = diagnose(source.test, source.calibration)
        others[name] = _calibrated(source, calibrators)
    reports = {run: {name: evaluate(one) for name, one in made.items()} for run, made in others.items()}
    scores = score_table(diagnoses, reports)
    return Comparison(diagnoses, scores, compare(scores), comparison_verdict(scores), others)


def _calibrated(source: Source, calibrators: Sequence[str]) -> dict[str, Predictions]:
    """The test predictions after each method, fitted on the calibration split and nothing else."""
    made: dict[str, Predictions] = {}
    if not calibrators:
        return made
    if source.calibration is None:
        raise InputError(f"{source.name} has no calibration split to fit a method on", help="leave the methods out")
    for name in calibrators:
        try:
            made[name] = as_method(name).fit(source.calibration).transform(source.test)
        except InputError as error:
            raise InputError(f"{name} cannot be fitted to {source.name}: {error}", help=error.help) from error
    return made


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


def _work(config: TrainConfig, path: Path, data_dir: Path | None, force: bool, device: str) -> None:
    from calib.runs import train_run

    reported = 0.0

    def report(checkpoint: "Checkpoint") -> None:
        nonlocal reported
        part = len(checkpoint.history) / checkpoint.n_epochs
        _parts.put(part - reported)
        reported = part

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
