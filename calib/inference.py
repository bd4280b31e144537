"""Run a network over data: a model and batches in, Predictions out."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from calib._arrays import Int
from calib.datasets import Dataset, load_dataset
from calib.datasets.splits import fingerprint
from calib.errors import InputError, is_out_of_memory
from calib.models.modes import in_eval_mode
from calib.predictions import Predictions, look_like_probs
from calib.training.checkpoint import Checkpoint

Part: TypeAlias = Literal["train", "calibration", "test"]


def predict(
    model: Callable[..., Any],
    loader: Iterable[Any],
    *,
    device: str | torch.device | None = None,
    class_names: Sequence[str] | None = None,
    provenance: Mapping[str, Any] | None = None,
    on_images: Callable[[int], None] | None = None,
) -> Predictions:
    """Collect the logits of ``model`` over batches ``(inputs, labels)``, without gradients and in eval mode.

    ``model`` is any ``nn.Module`` whose output is logits ``(n, k)``, or has them as ``.logits``; each of its modules is
    put back into the mode it was in.  ``loader`` is a DataLoader or any iterable of batches.  ``device`` is that of the
    model's parameters unless given.  ``on_images`` is told after every batch how many rows there were so far.  Raises
    `InputError` for batches or outputs of another form.

    >>> batches = [(torch.eye(2), torch.tensor([0, 1]))]
    >>> predict(nn.Linear(2, 3), batches).values.shape
    (2, 3)
    """
    watched = loader if on_images is None else _told(loader, on_images)
    logits, labels = _over_batches(model, watched, device, lambda x: _logits_of(model(x)))
    predictions = Predictions.from_logits(logits, labels, class_names=class_names, provenance=provenance)
    if look_like_probs(predictions):
        warnings.warn(
            "the model's outputs all sum to 1: these are probabilities, predict needs the logits before the softmax",
            stacklevel=2,
        )
    return predictions


def _told(loader: Iterable[Any], on_images: Callable[[int], None]) -> Iterator[Any]:
    rows = 0
    for batch in loader:
        yield batch
        rows += len(batch[1])
        on_images(rows)


def predict_part(
    checkpoint: Checkpoint,
    part: Part,
    *,
    data_dir: Path | None = None,
    device: str = "cpu",
    batch_size: int = 500,
    provenance: Mapping[str, Any] | None = None,
    on_images: Callable[[int], None] | None = None,
) -> Predictions:
    """Predict one split of a calib checkpoint on the data it was trained with.

    Raises `InputError` where the data is missing or is not that data.
    """
    dataset = _its_dataset(checkpoint, data_dir)
    return predict(
        checkpoint.model().to(device),
        _batches(checkpoint, dataset, getattr(checkpoint.split, part), batch_size),
        device=device,
        class_names=checkpoint.class_names,
        provenance={
            **(provenance or {}),
            "split": part,
            "config": checkpoint.config.to_dict(),
            "fingerprint": checkpoint.fingerprint,
            "versions": checkpoint.versions,
            "epochs": {"trained": len(checkpoint.history), "kept": checkpoint.kept_epoch, "all": checkpoint.n_epochs},
        },
        on_images=on_images,
    )


class Penultimate(NamedTuple):
    """What goes into the last layer, float32 ``(n, d)``, and the labels of the same examples, int64 ``(n,)``."""

    features: npt.NDArray[np.float32]
    labels: Int


def penultimate(model: nn.Module, loader: Iterable[Any], *, device: str | torch.device | None = None) -> Penultimate:
    """Collect the penultimate activations of ``model`` over batches ``(inputs, labels)``, as `predict` does logits.

    ``model`` is any ``nn.Module`` with ``features(inputs)`` ``(n, d)``: those of `calib.models.build_model` have it,
    `calib.models.ExternalModel` gives it to others.  Raises `InputError` for a model without, and for batches or
    features of another form.

    >>> model = nn.Linear(2, 3)
    >>> model.features = nn.Identity()
    >>> penultimate(model, [(torch.eye(2), torch.tensor([0, 1]))]).features.shape
    (2, 2)
    """
    of = getattr(model, "features", None)
    if not callable(of):
        raise InputError(
            f"a {type(model).__name__} has no features(): its penultimate activations are not known",
            help="wrap it: calib.models.ExternalModel(model, example_batch_of_one)",
        )
    features, labels = _over_batches(model, loader, device, lambda x: _matrix(of(x), "features(x)", "features (n, d)"))
    return Penultimate(features.float().numpy(), labels.numpy().astype(np.int64))


def features_part(
    checkpoint: Checkpoint,
    part: Part,
    *,
    classes: Sequence[int] | None = None,
    per_class: int | None = 100,
    data_dir: Path | None = None,
    device: str = "cpu",
    batch_size: int = 500,
) -> Penultimate:
    """Penultimate activations of a calib checkpoint on one split of the data it was trained with.

    Takes the first ``per_class`` examples (None: all) of each of ``classes`` (None: all), in the order of the data set,
    so that networks with the same split show the same examples.  Images are not augmented, and labels are the data
    set's own, also where the network was trained on others.  Raises `InputError` where the data is missing or is not
    that data, and for classes that are not in 0 … k − 1.
    """
    k = len(checkpoint.class_names)
    chosen = range(k) if classes is None else classes
    if len(chosen) == 0:
        raise InputError("there are no classes to choose from", help="name at least one, or None for all")
    if wrong := [c for c in chosen if not 0 <= c < k]:
        raise InputError(f"classes must lie in 0 … {k - 1} for {k} classes, got {wrong[0]}", help="count from 0")
    if per_class is not None and per_class < 1:
        raise InputError(f"per_class must be at least 1, got {per_class}", help="100 is the paper's number")
    dataset = _its_dataset(checkpoint, data_dir)
    rows = getattr(checkpoint.split, part)
    labels = dataset.labels[rows]
    kept = np.sort(np.concatenate([np.flatnonzero(labels == c)[:per_class] for c in dict.fromkeys(chosen)]))
    if not len(kept):
        raise InputError(f"the {part} split holds no example of these classes", help="choose others")
    return penultimate(
        checkpoint.model().to(device), _batches(checkpoint, dataset, rows[kept], batch_size), device=device
    )


def resolve_device(device: str) -> str:
    """Turn "auto" into the best device there is.  Raises `InputError` where the device is not available."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {device!r} is not available", help="use --device cpu") from error
    return device


def _its_dataset(checkpoint: Checkpoint, data_dir: Path | None) -> Dataset:
    dataset = load_dataset(checkpoint.config.dataset, data_dir=data_dir)
    if fingerprint(dataset, checkpoint.split) != checkpoint.fingerprint:
        raise InputError(
            f"the {dataset.name} found here is not what the checkpoint was trained on",
            help="point --data-dir to the original files, or train again",
        )
    return dataset


def _batches(checkpoint: Checkpoint, dataset: Dataset, rows: Int, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        yield checkpoint.normalisation(dataset.images[some]), torch.from_numpy(dataset.labels[some])


def _over_batches(
    model: Callable[..., Any],
    loader: Iterable[Any],
    device: str | torch.device | None,
    output_of: Callable[[Tensor], Tensor],
) -> tuple[Tensor, Tensor]:
    """``output_of`` every batch, and the labels, end to end on the processor; the model is left as it was."""
    where = torch.device(device) if device is not None else _device_of(model)
    outputs, labels, most = [], [], 1 << 62  # examples at once
    with in_eval_mode(model), torch.inference_mode():
        for batch in loader:
            if not isinstance(batch, tuple | list) or len(batch) < 2:
                raise InputError(
                    f"each batch must be (inputs, labels), got {type(batch).__name__}",
                    help="wrap the loader accordingly",
                )
            output, most = _in_parts(output_of, batch[0].to(where), most)
            outputs.append(output.detach().cpu())
            labels.append(torch.as_tensor(batch[1]).cpu())
    if not outputs:
        raise InputError("the loader is empty", help="pass at least one batch")
    return torch.cat(outputs), torch.cat(labels)


def _in_parts(output_of: Callable[[Tensor], Tensor], inputs: Tensor, most: int) -> tuple[Tensor, int]:
    """``output_of(inputs)``, at most ``most`` rows at once: half as many where the memory does not suffice."""
    while True:
        whole = not isinstance(inputs, Tensor) or len(inputs) <= most
        parts = [inputs] if whole else [inputs[i : i + most] for i in range(0, len(inputs), most)]
        try:
            outputs = [output_of(part) for part in parts]
            return (outputs[0] if len(outputs) == 1 else torch.cat(outputs)), most
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error) or not isinstance(inputs, Tensor) or min(most, len(inputs)) < 2:
                raise
        most = min(most, len(inputs)) // 2  # here, where the failed attempt's memory is free again
        warnings.warn(f"out of memory: {most} examples at once from here on", stacklevel=2)


def _logits_of(output: Any) -> Tensor:
    return _matrix(getattr(output, "logits", output), "the model", "logits (n, k)")


def _matrix(output: Any, what: str, wanted: str) -> Tensor:
    if not isinstance(output, Tensor) or output.ndim != 2:
        found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise InputError(f"{what} must return {wanted}, it returned {found}", help="wrap the model, batch the data")
    return output


def _device_of(model: Callable[..., Any]) -> torch.device:
    parameter = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    return torch.device("cpu") if parameter is None else parameter.device
