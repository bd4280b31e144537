"""Everything that decides how a network is trained, as one frozen value; no torch needed."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from calib._nearest import nearest
from calib.errors import InputError


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A training run.  Two that differ only in their targets start from the same weights and see the same images.

    Network: ``arch`` and ``width`` are those of `calib.models.build_model`; a width of None is the published one.

    Targets: ``smoothing`` is α in (1 − α)·one-hot + α/k, given to the loss as an argument or, with ``target_rows``, as
    explicit rows.  ``label_noise`` is the share of training labels that are redrawn over all classes, the true one
    included ("symmetric"), or, in classes that have a similar one, moved there ("asymmetric"); ``labels_file`` has
    other labels for the official training part, ``labels_key`` names them in it.  ``mixup`` is the α of Beta(α, α),
    ``focal_gamma`` the γ of the focal loss, ``margin`` and ``margin_weight`` those of margin-based smoothing.
    ``teacher`` is a checkpoint or run directory to distil from, ``distillation_weight`` the share of its term, in which
    the teacher's logits are divided by ``distillation_temperature`` and the student's by ``student_temperature`` (None:
    the same); with ``match_logits`` the term is their limit, half the squared distance of the logits.

    Splits: ``split_seed`` decides which examples are for training, calibration and test; sizes of None are the data
    set's usual ones.

    Recipe: ``seed`` decides weights, batches, augmentation and label noise.  ``steps``, where given, ends the training
    whatever ``epochs`` says.  ``learning_rate`` is the highest of ``schedule``: "one-cycle", "steps" (times ``decay``
    at each of ``milestones``, which are fractions of the training), "linear" (to 0) or "constant".  Images are moved by
    up to ``shift`` pixels and what comes in is ``shift_fill`` ("zero" or "nearest"); with ``flip`` half of them are
    mirrored.  The loss is multiplied by ``loss_scale``; gradients longer than ``clip_norm`` are shortened to it.
    ``keep`` says which weights become the checkpoint: the "last", or those of the epoch that was "best" by the NLL of
    the calibration split, which is then no longer untouched.

    Raises `InputError` for values out of range.

    >>> TrainConfig(dataset="digits", smoothing=0.05).arch
    'resnet8'
    """

    dataset: str
    arch: str = "resnet8"
    width: int | None = None
    smoothing: float = 0.0
    target_rows: bool = False
    label_noise: float = 0.0
    label_noise_kind: str = "symmetric"
    labels_file: str | None = None
    labels_key: str | None = None
    mixup: float = 0.0
    focal_gamma: float = 0.0
    margin: float | None = None
    margin_weight: float = 0.1
    teacher: str | None = None
    distillation_temperature: float = 1.0
    distillation_weight: float = 0.9
    student_temperature: float | None = None
    match_logits: bool = False
    seed: int = 0
    split_seed: int = 0
    train_size: int | None = None
    calibration_size: int | None = None
    epochs: int = 40
    steps: int | None = None
    batch_size: int = 64
    learning_rate: float = 0.1
    schedule: str = "one-cycle"
    milestones: tuple[float, ...] = (0.5, 0.75)
    decay: float = 0.1
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 1e-4
    shift: int = 0
    shift_fill: str = "zero"
    flip: bool = False
    loss_scale: float = 1.0
    clip_norm: float | None = None
    precision: str = "float32"
    compile: bool = False
    keep: str = "last"

    def __post_init__(self) -> None:
        object.__setattr__(self, "milestones", _fractions(self.milestones))
        for field in fields(self):  # 1 and 1.0 are the same setting, and have the same key
            value = getattr(self, field.name)
            if str(field.type) in _FLOATS and isinstance(value, int) and not isinstance(value, bool):
                object.__setattr__(self, field.name, float(value))
        for field in fields(self):
            value, kinds = getattr(self, field.name), _KINDS[str(field.type)]
            if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
                raise InputError(
                    f"{field.name} must be {_WORDS[str(field.type)]}, got {value!r}",
                    help="`calib train --help` has all",
                )
        for name, (holds, expected, help) in _RANGES.items():
            value = getattr(self, name)
            if not (value is None or holds(value)):
                raise InputError(f"{name} must be {expected}, got {value}", help=help)
        if self.label_noise > 0 and self.labels_file is not None:
            raise InputError("label_noise and labels_file both change the training labels", help="choose one of them")
        if self.labels_key is not None and self.labels_file is None:
            raise InputError("labels_key names labels of a file, but there is no labels_file", help="give labels_file")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, of types that JSON has; `from_dict` is the way back."""
        return {**asdict(self), "milestones": list(self.milestones)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """Rebuild a config.  Raises `InputError` for unknown or missing fields."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            near = [match for name in unknown for match in nearest(name, known, most=1)]
            hint = f"did you mean {', '.join(near)}? " if near else ""
            raise InputError(
                f"unknown training options: {', '.join(map(str, unknown))}",
                help=f"{hint}`calib train --help` has all, with _ for - here; a newer calib may have more",
            )
        try:
            return cls(**values)
        except TypeError as error:
            raise InputError(f"not a training configuration: {error}", help="make the run again") from error

    @property
    def key(self) -> str:
        """Twelve hex digits that name this very config, the same on every machine.

        >>> TrainConfig(dataset="digits").key == TrainConfig(dataset="digits", seed=1).key
        False
        """
        return hashlib.sha256(json.dumps(self._changed(), sort_keys=True).encode()).hexdigest()[:12]

    def differences(self, other: "TrainConfig") -> str:
        """The fields in which another config differs, in words; empty where there are none.

        >>> TrainConfig(dataset="digits").differences(TrainConfig(dataset="digits", epochs=3))
        'epochs 3, not 40'
        """
        pairs = ((field.name, getattr(other, field.name), getattr(self, field.name)) for field in fields(self))
        return ", ".join(f"{name} {theirs}, not {ours}" for name, theirs, ours in pairs if theirs != ours)

    def options(self) -> list[str]:
        """The options of ``calib train`` that make this config; what has its default is left out.

        >>> TrainConfig(dataset="digits", smoothing=0.1, nesterov=False).options()
        ['--dataset', 'digits', '--smoothing', '0.1', '--no-nesterov']
        """
        words = []
        for name, value in self._changed().items():
            option = name.replace("_", "-")
            if isinstance(value, bool):
                words.append(f"--{option}" if value else f"--no-{option}")
            else:
                words += [f"--{option}", ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]
        return words

    def _changed(self) -> dict[str, Any]:
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in given.items() if value != _DEFAULTS.get(name)}


# the key is made of what differs from here: a field that a later version adds does not rename the runs there are
_DEFAULTS = {field.name: field.default for field in fields(TrainConfig)}

_WORDS = {
    str(str): "text",
    str(int): "a whole number",
    str(bool): "true or false",
    str(float): "a number",
    str(int | None): "a whole number",
    str(float | None): "a number",
    str(str | None): "text",
    str(tuple[float, ...]): "fractions",
}
_FLOATS = (str(float), str(float | None))

_KINDS: dict[str, type | tuple[type, ...]] = {
    str(str): str,
    str(int): int,
    str(bool): bool,
    str(float): (int, float),
    str(int | None): (int, type(None)),
    str(float | None): (int, float, type(None)),
    str(str | None): (str, type(None)),
    str(tuple[float, ...]): tuple,
}


def _one_of(*names: str) -> tuple[Any, str, str]:
    return (lambda value: value in names), f"one of {', '.join(names)}", "choose one of these"


def _whole(least: int, most: int) -> tuple[Any, str, str]:
    return (lambda value: least <= value <= most), f"in {least} … {most}", "give a whole number in this range"


_SEED = (lambda value: 0 <= value < 2**63), "at least 0 and below 2⁶³", "0 will do"

_RANGES = {
    "width": _whole(1, 4096),
    "smoothing": ((lambda v: 0 <= v < 1), "in [0, 1)", "0.1 is the usual value, 0 is hard"),
    "label_noise": ((lambda v: 0 <= v <= 1), "in [0, 1]", "0.4 redraws 40 %, 0 none"),
    "label_noise_kind": _one_of("symmetric", "asymmetric"),
    "mixup": ((lambda v: 0 <= v <= 100), "in [0, 100]", "0.2 is a usual value, 0 mixes nothing"),
    "focal_gamma": ((lambda v: 0 <= v <= 100), "in [0, 100]", "3 is a usual value, 0 is cross-entropy"),
    "margin": ((lambda v: 0 <= v < 1e6), "in [0, 1e6)", "10 is the usual value"),
    "margin_weight": ((lambda v: 0 <= v < 1e6), "in [0, 1e6)", "0.1 is the usual value"),
    "distillation_temperature": ((lambda v: 0 < v < 1e6), "in (0, 1e6)", "1 to 4 are usual"),
    "student_temperature": ((lambda v: 0 < v < 1e6), "in (0, 1e6)", "1 is that of Müller et al."),
    "distillation_weight": ((lambda v: 0 <= v <= 1), "in [0, 1]", "1 leaves the labels out"),
    "seed": _SEED,
    "split_seed": _SEED,
    "epochs": _whole(1, 10**6),
    "steps": _whole(1, 10**9),
    "batch_size": _whole(1, 10**6),
    "learning_rate": ((lambda v: 0 < v < 1e6), "above 0 and below 1e6", "0.1 is a usual value"),
    "schedule": _one_of("one-cycle", "steps", "linear", "constant"),
    "decay": ((lambda v: 0 < v <= 1), "in (0, 1]", "0.1 divides by ten"),
    "momentum": ((lambda v: 0 <= v < 1), "in [0, 1)", "0.9 is the usual value"),
    "weight_decay": ((lambda v: 0 <= v < 1e6), "in [0, 1e6)", "1e-4 is a usual value"),
    "shift": _whole(0, 1000),
    "shift_fill": _one_of("zero", "nearest"),
    "loss_scale": ((lambda v: 0 < v < 1e6), "in (0, 1e6)", "1 leaves the loss as it is"),
    "clip_norm": ((lambda v: 0 < v < 1e12), "in (0, 1e12)", "1 is a usual value"),
    "precision": _one_of("float32", "bfloat16"),
    "keep": _one_of("last", "best"),
}


def _fractions(values: Any) -> tuple[float, ...]:
    """Milestones as ascending fractions of the training."""
    try:
        fractions = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        fractions = (-1.0,)
    if not all(0 < value < 1 for value in fractions) or list(fractions) != sorted(set(fractions)):
        raise InputError(
            f"milestones must be ascending fractions of the training in (0, 1), got {_listed(values)}",
            help="0.5, 0.75 is halfway and three quarters",
        )
    return fractions


def _listed(values: Any) -> str:
    return ", ".join(map(str, values)) if isinstance(values, tuple | list) else repr(values)
