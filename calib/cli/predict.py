"""``calib predict``: run a trained network over one of its splits and save the predictions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from calib.cli._options import Force, OneSource
from calib.cli._output import refuse_existing, say
from calib.cli._reading import opened, opens_sources, watched
from calib.errors import InputError
from calib.reading import AS_IT_IS, OF_WEIGHTS, Reading

if TYPE_CHECKING:
    from calib.files.carried import Carried
    from calib.predictions import Predictions


@opens_sources
def predict(
    source: OneSource,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Predictions to write; its ending says how.")
    ],
    split: Annotated[Literal["train", "calibration", "test"], typer.Option(help="Which examples.")] = "test",
    reading: Reading = AS_IT_IS,
    force: Force = False,
) -> None:
    """Save the predictions of a trained network.

    Runs it over one of its splits and writes logits, labels and class names; weights of others are run over the test
    images of --dataset. Of an example, or of predictions in another format, it writes what is there. Endings are .npz,
    .csv, .jsonl, .parquet, .feather and .arrow.

    Example: calib predict runs/ls05 -o predictions.npz
    """
    from calib.files.write import check_ending

    check_ending(output)
    refuse_existing(output, force=force, inputs=(source,))
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
    from calib.files.shards import is_shards
    from calib.sources import holds_weights, open_source

    path = source / CHECKPOINT if source.is_dir() else source
    if is_shards(source) or (path.is_file() and not holds_weights(path)):
        if split != "test":
            raise InputError(f"{source} is one split already", help="leave --split out")
        from calib.files.carried import carried_columns

        given = opened(source, reading).test
        as_text, names, carried = output.suffix.lower() == ".csv", given.class_names, None
        if not is_shards(source):
            carried = carried_columns(path, given.n, kind=reading.kind, class_names=names, as_text=as_text)
        _save(given, "given", output, carried)
        return
    from calib.inference import predict_part, resolve_device
    from calib.models.weights_file import read_tensors
    from calib.training.checkpoint import load_checkpoint

    content = read_tensors(path)
    if not (isinstance(content, dict) and "calib" in content):
        if split != "test":
            raise InputError("of weights of others the test images alone are known", help="leave --split out")
        with watched(reading) as watching:
            foreign = open_source(source, watching)
        for note in foreign.notes:
            say(f"note: {note}")
        _save(foreign.test, "test", output)
        return
    reading.refuse(OF_WEIGHTS, what=f"{path} is a checkpoint of calib, which knows its own")
    with watched(reading) as watching:
        predictions = predict_part(
            load_checkpoint(path),
            split,
            data_dir=reading.data_dir,
            device=resolve_device(reading.device),
            batch_size=reading.batch_size,
            provenance={"checkpoint_sha256": file_hash(path)},
            on_images=watching.on_images,
        )
    _save(predictions, split, output)


def _save(predictions: "Predictions", split: str, output: Path, carried: "Carried | None" = None) -> None:
    from calib.files.write import write_predictions

    for note in write_predictions(predictions, output, carried):
        say(f"note: {note}")
    say(f"{predictions.n} {split} examples, {predictions.n_classes} classes; next: calib evaluate {output}")
    print(output)
