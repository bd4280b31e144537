"""``calib predict``: run a trained network over one of its splits and save the predictions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from calib.cli._options import BatchSize, DataDir, Device, Force, OneSource, Threads, set_threads
from calib.cli._output import refuse_existing, say
from calib.errors import InputError

if TYPE_CHECKING:
    from calib.predictions import Predictions


def predict(
    source: OneSource,
    output: Annotated[Path, typer.Option("--output", "-o", help="File of predictions (.npz) to write.")],
    split: Annotated[Literal["train", "calibration", "test"], typer.Option(help="Which examples.")] = "test",
    data_dir: DataDir = None,
    device: Device = "cpu",
    threads: Threads = None,
    batch_size: BatchSize = 500,
    force: Force = False,
) -> None:
    """Save the predictions of a trained network.

    Runs it over one of its splits and writes logits, labels and class names. Of an example it writes what was saved.

    Example: calib predict runs/ls05 -o predictions.npz
    """
    refuse_existing(output, force=force)
    from calib.examples import SPLITS, example_named, load_example

    if (name := example_named(source)) is not None:
        example = load_example(name)
        if split not in SPLITS:
            raise InputError(
                f"an example holds no {split} split",
                help=f"choose {' or '.join(SPLITS)}, or train a network of your own",
            )
        _save(getattr(example, split), split, output)
        return
    from calib.content_hash import file_hash
    from calib.files.run_folder import CHECKPOINT
    from calib.inference import predict_part, resolve_device
    from calib.training.checkpoint import load_checkpoint

    set_threads(threads)
    path = source / CHECKPOINT if source.is_dir() else source
    predictions = predict_part(
        load_checkpoint(path),
        split,
        data_dir=data_dir,
        device=resolve_device(device),
        batch_size=batch_size,
        provenance={"checkpoint_sha256": file_hash(path)},
    )
    _save(predictions, split, output)


def _save(predictions: "Predictions", split: str, output: Path) -> None:
    from calib.files.npz import save_predictions

    save_predictions(predictions, output)
    say(f"{predictions.n} {split} examples, {predictions.n_classes} classes; next: calib evaluate {output}")
    print(output)
