"""``calib study two-routes``: smoothing by target rows against smoothing by the loss, as the tutorials do it."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from calib._text import printable
from calib.cli._networks import command_line, recipe_name, train_networks
from calib.cli._options import DataDir, Device, Epochs, Force, Json, Seeds, SmallSetting, TableFormat, Workers
from calib.cli._output import emit, refuse_picture_as_folder, render, say
from calib.export import records

DEFAULT = "fashion-mnist-14"


def two_routes(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Folder to fill.", show_default="two-routes-SETTING"),
    ] = None,
    setting: SmallSetting = None,
    paper: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The tutorial's own recipe instead: pyimagesearch."),
    ] = None,
    seeds: Seeds = None,
    epochs: Epochs = None,
    workers: Workers = None,
    data_dir: DataDir = None,
    device: Device = "cpu",
    format: TableFormat = "table",
    json: Json = False,
    force: Force = False,
) -> None:
    """Smooth the labels, or let the loss do it?

    Trains one recipe both ways with each seed, MiniGoogLeNet by default, and shows that the networks agree while the
    two numbers that tutorials call validation loss do not. Finished runs are kept, interrupted ones go on.

    Example: calib study two-routes --setting digits
    """
    from calib.inference import resolve_device
    from calib.studies._files import refuse_foreign
    from calib.studies.settings import setting_named
    from calib.studies.two_routes import PAPERS, SETTINGS, agreement_table, configs, route_table
    from calib.studies.write_two_routes import (
        FILES,
        TITLE,
        readable_agreement,
        readable_routes,
        verdict,
        write_two_routes,
    )

    device = resolve_device(device)
    name = recipe_name(setting, paper, DEFAULT)
    chosen = setting_named(name, PAPERS if paper else SETTINGS)
    base = chosen.base if epochs is None else replace(chosen.base, epochs=epochs)
    chosen = replace(chosen, base=base, seeds=seeds or chosen.seeds)
    folder = output or Path(f"two-routes-{name}")
    refuse_picture_as_folder(folder)
    refuse_foreign(folder, TITLE, FILES)
    networks = configs(chosen)
    say(f"{len(networks)} networks, {base.arch} on {base.dataset}, α = {base.smoothing:g}; finished ones are kept.")
    train_networks(networks, folder, workers=workers, force=force, data_dir=data_dir, device=device)
    table = route_table(chosen, folder, data_dir=data_dir, device=device)
    agreement = agreement_table(chosen, folder, data_dir=data_dir, device=device)
    options = {
        "setting": setting,
        "paper": paper,
        "seeds": seeds,
        "epochs": epochs,
        "workers": workers,
        "device": None if device == "cpu" else device,
    }
    write_two_routes(table, agreement, folder, chosen, command=command_line("calib study two-routes", options))
    wanted = "json" if json else format
    extra: dict[str, object] = {"verdicts": [verdict(table, chosen)], "agreement": records(agreement)}
    emit(render(wanted, full=table, shown=readable_routes(table), extra=extra), None)
    if wanted in ("table", "markdown", "latex"):
        emit(f"\n{render(wanted, full=agreement, shown=readable_agreement(agreement), extra={})}", None)
    say(f"\n{verdict(table, chosen)}")
    say(f"\nIn {printable(str(folder))}: {len(networks)} run directories, {', '.join(FILES)}")
