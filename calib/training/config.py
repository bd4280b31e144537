"""Everything that decides how a network is trained, as one frozen value; no torch needed."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from calib.errors import InputError


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A training run.  Two that differ only in ``smoothing`` start from the same weights and see the same batches.

    ``smoothing`` is α in (1 − α)·one-hot + α/k.  ``label_noise`` is the share of training labels redrawn uniformly
    over all classes, the true one included.  ``arch`` and ``width`` are those of `calib.models.build_model`; a width of
    None is the published one.
    ``learning_rate`` is the peak of a one-cycle schedule of SGD with Nesterov momentum.  ``seed`` decides weights,
    batches and label noise, ``split_seed`` which examples are for training, calibration and test; sizes of None are
    the data set's usual ones.

    Raises `InputError` for values out of range.

    >>> TrainConfig(dataset="digits", smoothing=0.05).arch
    'resnet8'
    """

    dataset: str
    arch: str = "resnet8"
    width: int | None = None
    smoothing: float = 0.0
    label_noise: float = 0.0
    seed: int = 0
    split_seed: int = 0
    train_size: int | None = None
    calibration_size: int | None = None
    epochs: int = 40
    batch_size: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 1e-4

    def __post_init__(self) -> None:
        for field in fields(self):
            value, kinds = getattr(self, field.name), _KINDS[str(field.type)]
            if isinstance(value, bool) or not isinstance(value, kinds):
                raise InputError(f"{field.name} must be {field.type}, got {value!r}", help="see TrainConfig")
        _require(0 <= self.smoothing < 1, "smoothing", "in [0, 1)", self.smoothing, "0.1 is the usual value, 0 is hard")
        _require(0 <= self.label_noise <= 1, "label_noise", "in [0, 1]", self.label_noise, "0.4 redraws 40 %, 0 none")
        _require(0 <= self.momentum < 1, "momentum", "in [0, 1)", self.momentum, "0.9 is the usual value")
        _require(self.weight_decay >= 0, "weight_decay", "at least 0", self.weight_decay, "1e-4 is a usual value")
        _require(
            0 < self.learning_rate < 1e6,
            "learning_rate",
            "above 0 and below 1e6",
            self.learning_rate,
            "0.1 is a usual value",
        )
        for name, most in (("width", 4096), ("epochs", 10**6), ("batch_size", 10**6)):
            value = getattr(self, name)
            _require(
                value is None or 1 <= value <= most, name, f"in 1 … {most}", value, "give a whole number in this range"
            )
        for name in ("seed", "split_seed"):
            value = getattr(self, name)
            _require(0 <= value < 2**63, name, "at least 0 and below 2⁶³", value, "0 will do")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name; `from_dict` is the way back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """Rebuild a config.  Raises `InputError` for unknown or missing fields."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise InputError(f"unknown training options: {', '.join(unknown)}", help="was it written by a newer calib?")
        try:
            return cls(**values)
        except TypeError as error:
            raise InputError(f"not a training configuration: {error}", help="make the run again") from error


_KINDS: dict[str, type | tuple[type, ...]] = {
    str(str): str,
    str(int): int,
    str(float): (int, float),
    str(int | None): (int, type(None)),
}


def _require(holds: bool, name: str, expected: str, value: object, help: str) -> None:
    if not holds:
        raise InputError(f"{name} must be {expected}, got {value}", help=help)
