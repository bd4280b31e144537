"""What a SOURCE on the command line means: a run directory, a checkpoint, a file of predictions, or an example."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from calib._checks import check_some_weight
from calib.content_hash import file_hash
from calib.errors import InputError
from calib.examples import example_named, load_example
from calib.files.model_folder import is_model_folder, read_model_folder
from calib.files.naming import naming
from calib.files.npz import SCORES, load_predictions
from calib.files.plain_file import check_file
from calib.files.read import read_predictions
from calib.files.rounded import notes_of
from calib.files.run_folder import CALIBRATION, CHECKPOINT, TEST
from calib.files.safetensors_file import names_in
from calib.files.shards import ENDINGS, Shards, is_shards
from calib.files.sniff import describe, is_npz, is_zip
from calib.predictions import Predictions
from calib.reading import AS_IT_IS, OF_PREDICTIONS, OF_WEIGHTS, Reading

ONNX = ".onnx"
OPENED = "name a run directory, a checkpoint, a predictions file, or example:NAME for one that comes with calib"


@dataclass(frozen=True, eq=False)
class Source:
    """Predictions of one model: on the split to report, and on the calibration split where there is one."""

    name: str
    test: Predictions
    calibration: Predictions | None

    @property
    def to_fit_on(self) -> Predictions:
        """The calibration split.  Raises `InputError` where there is none."""
        if self.calibration is None:
            raise InputError(f"{self.name} has no calibration split to fit on", help="name runs of `calib train`")
        return self.calibration

    @property
    def notes(self) -> list[str]:
        """What a reader of the numbers must know of the training, a sentence each."""
        epochs, config = (self.test.provenance.get(name) for name in ("epochs", "config"))
        notes = notes_of(self.test)
        if self.calibration is not None:
            notes += [f"of the calibration: {note}" for note in notes_of(self.calibration) if note not in notes]
        if isinstance(epochs, dict) and epochs.get("trained") != epochs.get("all"):
            notes.append(f"the training is not over: {epochs.get('trained')} of {epochs.get('all')} epochs so far")
        if isinstance(config, dict) and config.get("keep") == "best":
            notes.append("the epoch was chosen by the NLL of the calibration split, which is therefore not untouched")
        return notes


def open_source(path: Path | str, reading: Reading = AS_IT_IS, *, calibration: Path | None = None) -> Source:
    """Open a run directory, weights, predictions in any format, or the example NAME of ``"example:NAME"``.

    Predictions saved beside a checkpoint are used while they carry its hash; otherwise the network is run again on the
    data it was trained with.  ``reading`` answers what a file does not say.  ``calibration`` names predictions, or a
    run directory or example whose calibration split to use.  torch is loaded only where a network is run.  Raises
    `InputError` for what cannot be opened, or does not fit together.
    """
    path = Path(path)
    name = example_named(path)
    source = _open(path, reading) if name is None else _example(name)
    if calibration is None:
        return source
    given = calibration_split(calibration, reading)
    with naming(calibration):
        check_some_weight(given.sample_weight)
    problem, help = _mismatch(source.test, given)
    if problem:
        raise InputError(f"{calibration} does not go with {path}: {problem}", help=help)
    return Source(source.name, source.test, given)


def _mismatch(test: Predictions, calibration: Predictions) -> tuple[str, str]:
    """Why a temperature fitted on ``calibration`` must not be judged on ``test``, and what to do; empty if it may."""
    if calibration.n_classes != test.n_classes:
        return f"{calibration.n_classes} classes against {test.n_classes}", "use predictions of the same model"
    if calibration.kind != test.kind:
        return f"{calibration.kind} against {test.kind}", "save both as logits"
    hashes = [predictions.provenance.get("checkpoint_sha256") for predictions in (test, calibration)]
    if None not in hashes and hashes[0] != hashes[1]:
        return "they come from different checkpoints", "use predictions of the same model"
    if calibration.provenance.get("split") == "train":
        return "the network was trained on these examples", "use its calibration split"
    if calibration.n == test.n and np.array_equal(calibration.values, test.values):
        return "they are the same examples", "leave --calibration out: the temperature is then cross-fitted"
    return "", ""


def _example(name: str) -> Source:
    example = load_example(name)
    return Source(example.name, example.test, example.calibration)


def calibration_split(path: Path, reading: Reading) -> Predictions:
    """Predictions to fit on: the calibration split of a run directory or an example, or those of a file."""
    name = example_named(path)
    if name is not None:
        return load_example(name).calibration
    if is_shards(path):
        return _shards(path, reading).whole()
    if path.is_dir():
        return load_predictions(path / CALIBRATION)
    return _file(path, replace(reading, labels=None))


def _shards(path: Path, reading: Reading) -> Shards:
    return Shards.of(path, kind=reading.kind, class_names=reading.class_names)


def _file(path: Path, reading: Reading) -> Predictions:
    return read_predictions(path, kind=reading.kind, labels=reading.labels, class_names=reading.class_names)


def _open(path: Path, reading: Reading) -> Source:
    if is_shards(path):
        reading.refuse(OF_WEIGHTS, what=f"{path} is shards of predictions")
        reading.refuse(("labels",), what=f"{path} is shards, which have labels of their own")
        return Source(shards_name(path), _shards(path, reading).whole(), None)
    if not path.exists():
        raise InputError(f"{path} does not exist", help=OPENED)
    if not path.is_dir():
        check_file(path, "a file of predictions or weights", help=OPENED)
    if path.is_file() and not holds_weights(path):
        reading.refuse(OF_WEIGHTS, what=f"{path} holds predictions, no weights")
        return Source(path.stem, _file(path, reading), None)
    reading.refuse(OF_PREDICTIONS[:2], what=f"{path} holds weights or a run of calib, no table of scores")
    if is_model_folder(path):
        return _of_others(path, reading)
    run = path if path.is_dir() else path.parent
    checkpoint = path / CHECKPOINT if path.is_dir() else path
    if path.is_dir() and not checkpoint.exists():
        inside = sorted(file.parent for file in path.glob(f"*/{CHECKPOINT}"))
        made = f"one of the runs in it, such as {inside[0]}" if inside else "one that `calib train` made"
        raise InputError(
            f"{path} is no run directory: it has no {CHECKPOINT}",
            help=f"name {made}, or a folder with files of predictions ({', '.join(ENDINGS)})",
        )
    saved = _saved(run, checkpoint)
    if saved is not None:
        reading.refuse(OF_WEIGHTS, what=f"{path} is a run of calib, which knows its own")
        return saved
    return _run(checkpoint, reading)


def holds_weights(path: Path) -> bool:
    """Whether a file is of weights, not of predictions: torch's formats, or safetensors without scores."""
    check_file(path, "weights or predictions", help=OPENED)
    if is_zip(path):
        return not is_npz(path)
    looks_like = describe(path)
    if looks_like == "a safetensors file":
        return {name.lower() for name in names_in(path)}.isdisjoint({*SCORES, "labels", "label"})
    return looks_like.startswith("a pickle") or path.suffix.lower() in (".pt", ".pth", ".ckpt", ".tar", ONNX)


def _run(path: Path, reading: Reading) -> Source:
    """Run the network of a checkpoint over its splits, or one of somebody else over the data that ``reading`` names."""
    from calib.inference import predict_part, resolve_device
    from calib.models.weights_file import read_tensors
    from calib.training.checkpoint import load_checkpoint

    if path.suffix.lower() == ONNX:
        return _of_others(path, reading)
    content = read_tensors(path)
    if not (isinstance(content, dict) and "calib" in content):
        return _of_others(path, reading)
    reading.refuse(OF_WEIGHTS, what=f"{path} is a checkpoint of calib, which knows its own")
    opened, provenance = load_checkpoint(path), {"checkpoint_sha256": file_hash(path)}
    calibration, test = (
        predict_part(
            opened,
            part,
            data_dir=reading.data_dir,
            device=resolve_device(reading.device),
            batch_size=reading.batch_size,
            provenance=provenance,
            on_images=reading.on_images,
        )
        for part in ("calibration", "test")
    )
    return Source(_name(path), test, calibration)


def _of_others(path: Path, reading: Reading) -> Source:
    """Run weights that calib did not train; those of a folder are what its config says."""
    from calib.foreign_checkpoint import predict_foreign
    from calib.inference import resolve_device

    reading = replace(reading, device=resolve_device(reading.device))
    if not path.is_dir():
        return Source(_name(path), predict_foreign(path, reading), None)
    folder = read_model_folder(path)
    return Source(
        path.resolve().name, predict_foreign(folder.weights, folder.completed(reading), said=folder.architecture), None
    )


def _saved(run: Path, checkpoint: Path) -> Source | None:
    """Predictions saved in the run directory, if they were made by this very checkpoint."""
    files = [run / TEST, run / CALIBRATION]
    if not all(file.is_file() for file in files):
        return None
    try:
        test, calibration = (load_predictions(file) for file in files)
    except InputError:
        return None  # damaged, or somebody else's: the network can be run again
    checkpoint_hash = file_hash(checkpoint)
    for predictions, split in ((test, "test"), (calibration, "calibration")):
        provenance = predictions.provenance
        if provenance.get("checkpoint_sha256") != checkpoint_hash or provenance.get("split") != split:
            return None
    return Source(_name(checkpoint), test, calibration)


def shards_name(path: Path) -> str:
    """What shards are called in tables and figures: their folder, and the pattern.

    >>> shards_name(Path("data/logs/*.parquet"))
    'logs/*.parquet'
    """
    return path.name if path.is_dir() else f"{path.absolute().parent.name}/{path.name}"


def _name(checkpoint: Path) -> str:
    return checkpoint.resolve().parent.name if checkpoint.name == CHECKPOINT else checkpoint.stem
