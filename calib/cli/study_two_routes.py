"""``calib study two-routes``: smoothing by target rows against smoothing by the loss, as the tutorials do it."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from calib.cli._networks import recipe_name
from calib.cli._options import Epochs, Seeds, SmallSetting
from calib.cli._output import say
from calib.cli._study import ALONE, Work, filled, studies, study_folder
from calib.export import records

DEFAULT = "fashion-mnist-14"


@studies
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
    work: Work = ALONE,
) -> None:
    """Smooth the labels, or let the loss do it?

    Trains one recipe both ways with each seed, MiniGoogLeNet by default, and shows that the networks agree while the
    two numbers that tutorials call validation loss do not. Finished runs are kept, interrupted ones go on.

    Example: calib study two-routes --setting digits
    """
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

    name = recipe_name(setting, paper, DEFAULT)
    chosen = setting_named(name, PAPERS if paper else SETTINGS)
    base = chosen.base if epochs is None else replace(chosen.base, epochs=epochs)
    chosen = replace(chosen, base=base, seeds=seeds or chosen.seeds)
    folder = study_folder(output, f"two-routes-{name}", title=TITLE, files=FILES)
    networks = configs(chosen)
    say(f"{len(networks)} networks, {base.arch} on {base.dataset}, α = {base.smoothing:g}; finished ones are kept.")
    work.train(networks, folder)
    table = route_table(chosen, folder, data_dir=work.data_dir, device=work.device)
    agreement = agreement_table(chosen, folder, data_dir=work.data_dir, device=work.device)
    options = {"setting": setting, "paper": paper, "seeds": seeds, "epochs": epochs}
    write_two_routes(table, agreement, folder, chosen, command=work.command("two-routes", options))
    work.show(
        (table, readable_routes),
        (agreement, readable_agreement),
        verdicts=[verdict(table, chosen)],
        agreement=records(agreement),
    )
    say(f"\n{verdict(table, chosen)}")
    filled(folder, len(networks), FILES)
