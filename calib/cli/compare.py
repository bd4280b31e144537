"""``calib compare``: {hard, each α} × {as it is, with a temperature}, averaged over seeds."""

from calib.cli._options import (
    BatchSize,
    DataDir,
    Device,
    Force,
    Json,
    Output,
    Sources,
    TableFormat,
    Threads,
    set_threads,
)
from calib.cli._output import emit, refuse_existing, render, say


def compare(
    sources: Sources,
    format: TableFormat = "table",
    json: Json = False,
    output: Output = None,
    data_dir: DataDir = None,
    device: Device = "cpu",
    threads: Threads = None,
    batch_size: BatchSize = 500,
    force: Force = False,
) -> None:
    """Tabulate smoothing against temperature.

    Mean ± sd over seeds. Every run appears as it is and with a temperature. The temperature is fitted on its
    calibration split; every number is of the test split.

    Example: calib compare runs/* --format latex -o table.tex
    """
    refuse_existing(output, force=force, inputs=sources)
    from calib.export import readable
    from calib.studies.smoothing_versus_temperature import compare_runs

    set_threads(threads)
    result = compare_runs(sources, data_dir=data_dir, device=device, batch_size=batch_size)
    chosen = "json" if json else format
    text = render(chosen, full=result.table, shown=readable(result.table), extra={"verdict": result.verdict})
    if chosen == "table":
        text = f"{text}\n{result.verdict}\n"
    emit(text, output)
    if chosen in ("markdown", "latex", "csv"):
        say(result.verdict)
