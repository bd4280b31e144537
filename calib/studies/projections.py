"""What does smoothing do to the layer before the last?  Three classes on the plane of their templates, and numbers."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calib._nearest import unknown
from calib.errors import InputError
from calib.examples import example_named
from calib.files.run_folder import CHECKPOINT
from calib.projection import TemplatePlane
from calib.scatter import scatter_statistics, scatters
from calib.targets import smoothing_logit_gap, smoothing_name

if TYPE_CHECKING:
    import pandas as pd

    from calib.inference import Part
    from calib.plots.projection import ProjectionRow
    from calib.training.checkpoint import Checkpoint

PARTS: "tuple[Part, ...]" = ("train", "test")


@dataclass(frozen=True, eq=False)
class Projections:
    """Networks on the planes of their templates: what to draw, the numbers, and what a reader must know.

    ``table`` has one row a network and part; see `calib.ScatterStatistics` for its columns.  Those that begin with
    ``plane_`` are of the projected points, the others of all d dimensions.  ``gap_optimum`` is the logit gap that the
    smoothing asks for where labels are certain: ∞ for hard targets, NaN where the training changed the targets in
    another way too.
    """

    class_names: tuple[str, ...]
    rows: "tuple[ProjectionRow, ...]"
    table: "pd.DataFrame"
    notes: tuple[str, ...]


def project_runs(
    paths: Sequence[Path | str],
    *,
    classes: Sequence[str | int] | None = None,
    per_class: int = 100,
    data_dir: Path | None = None,
    device: str = "cpu",
) -> Projections:
    """Project training and test examples of three classes for every network, and measure their scatter.

    ``paths`` are run directories or checkpoints; ``classes`` three names or indices, by default the first three of the
    data set.  The first ``per_class`` examples a class of either split are shown and measured.  Raises `InputError` for
    networks that cannot be opened or do not have these classes.
    """
    import pandas as pd

    from calib.inference import features_part
    from calib.plots.projection import ProjectionRow

    if not paths:
        raise InputError("there are no networks to project", help="name at least one run")
    checkpoints = _opened(paths)
    headings = _headings(checkpoints)
    found_names: tuple[str, ...] = ()
    records, rows = [], []
    for (run, checkpoint), heading in zip(checkpoints.items(), headings, strict=True):
        chosen = chosen_classes(classes, checkpoint.class_names)
        names = tuple(checkpoint.class_names[c] for c in chosen)
        if names != (found_names or names):
            raise InputError(
                f"{run} has the classes {', '.join(names)} where others have {', '.join(found_names)}",
                help="choose --classes by names that all the networks have",
            )
        found_names = names
        network: Any = checkpoint.model()
        templates = network.templates
        plane = TemplatePlane.of(templates[chosen])
        points = {}
        for part in PARTS:
            features, labels = features_part(
                checkpoint, part, classes=chosen, per_class=per_class, data_dir=data_dir, device=device
            )
            points[part] = plane.project(features), [chosen.index(label) for label in labels]
            seen = scatters(points[part][0], labels)
            record = {**_described(run, checkpoint), "part": part}
            record |= scatter_statistics(features, labels, templates).to_dict()
            records.append(
                {
                    **record,
                    "plane_within": seen.within,
                    "plane_between": seen.between,
                    "plane_within_between": seen.ratio,
                }
            )
        rows.append(ProjectionRow(heading, points["train"], points["test"], plane.corners))
    return Projections(found_names, tuple(rows), pd.DataFrame(records), tuple(_notes(checkpoints)))


def chosen_classes(wanted: Sequence[str | int] | None, class_names: Sequence[str]) -> list[int]:
    """Indices of three classes given by name or index; a text is a name first, then a number.  None: the first three.

    Raises `InputError` for other than three different ones, and for a name that there is not, with the nearest.

    >>> chosen_classes(["bird", 0, "2"], ["airplane", "automobile", "truck", "bird"])
    [3, 0, 2]
    """
    k = len(class_names)
    if wanted is None:
        wanted = range(min(k, 3))
    chosen = [_class_index(one, class_names) for one in wanted]
    if len(chosen) != 3 or len(set(chosen)) != 3:
        given = ", ".join(str(one) for one in wanted)
        raise InputError(
            f"a plane goes through three different classes, got {given or 'none'}",
            help=f"name three of the {k} classes" if k >= 3 else f"the network knows only {k}",
        )
    return chosen


def _class_index(wanted: str | int, class_names: Sequence[str]) -> int:
    names, k, word = list(class_names), len(class_names), str(wanted).strip()
    if isinstance(wanted, str) and word in names:
        return names.index(word)
    try:
        index = int(word)
    except ValueError:
        raise unknown("class", word, names) from None
    if not 0 <= index < k:
        raise InputError(f"there is no class {index}: there are {k}, counted from 0", help="name a class")
    return index


def _opened(paths: Sequence[Path | str]) -> "dict[str, Checkpoint]":
    """Checkpoints by the name of their run, or by path where names repeat."""
    from calib.training.checkpoint import load_checkpoint

    files = []
    for path in map(Path, paths):
        if example_named(path) is not None or path.suffix == ".npz":
            raise InputError(f"{path} holds predictions: they have no features", help="name a run or a checkpoint")
        files.append(path / CHECKPOINT if path.is_dir() else path)
    names = [file.resolve().parent.name if file.name == CHECKPOINT else file.stem for file in files]
    opened: dict[str, Checkpoint] = {}
    for file, name in zip(files, names, strict=True):
        key = name if names.count(name) == 1 else str(file)
        if key in opened:
            raise InputError(f"{file} is named twice", help="name each run once")
        opened[key] = load_checkpoint(file)
    return opened


def _headings(checkpoints: "Mapping[str, Checkpoint]") -> list[str]:
    """What stands over each network in the figure: its targets, and its run where that does not tell them apart."""
    plain = [
        f"{one.config.arch} on {one.config.dataset}, {smoothing_name(one.config.smoothing)}"
        for one in checkpoints.values()
    ]
    return [text if plain.count(text) == 1 else f"{text} ({run})" for run, text in zip(checkpoints, plain, strict=True)]


def _described(run: str, checkpoint: "Checkpoint") -> dict[str, Any]:
    config = checkpoint.config
    plain = not (config.label_noise or config.labels_file or config.mixup or config.focal_gamma or config.teacher)
    known = plain and config.margin is None
    return {
        "run": run,
        "model": smoothing_name(config.smoothing),
        "arch": config.arch,
        "dataset": config.dataset,
        "setting": replace(config, seed=0).key,
        "smoothing": config.smoothing,
        "seed": config.seed,
        "gap_optimum": smoothing_logit_gap(config.smoothing, len(checkpoint.class_names)) if known else math.nan,
    }


def _notes(checkpoints: "Mapping[str, Checkpoint]") -> Iterator[str]:
    if len({one.fingerprint for one in checkpoints.values()}) > 1:
        yield "the networks were trained on different data or splits: they do not show the same examples"
    for run, one in checkpoints.items():
        if len(one.history) < one.n_epochs:
            yield f"the training of {run} is not over: {len(one.history)} of {one.n_epochs} epochs so far"
