"""``calib compare``: {hard, each α} × {as it is, with a temperature}, averaged over seeds."""

from calib._text import printable
from calib.cli._options import (
    BatchSize,
    DataDir,
    Device,
    FileFormat,
    Force,
    Json,
    Output,
    Sources,
    Threads,
    set_threads,
)
from calib.cli._output import emit, refuse_existing, render, say, table_format
from calib.cli._progress import working


def compare(
    sources: Sources,
    format: FileFormat = None,
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

    Example: calib compare runs/* -o table.tex
    """
    refuse_existing(output, force=force, inputs=sources)
    chosen = table_format(output, format, json=json)
    from calib.export import readable
    from calib.studies.smoothing_versus_temperature import compare_runs

    set_threads(threads)
    with working("comparing"):
        result = compare_runs(sources, data_dir=data_dir, device=device, batch_size=batch_size)
    for name, notes in result.notes.items():
        for note in notes:
            say(f"note: {printable(name)}: {note}")
    text = render(chosen, full=result.table, shown=readable(result.table), extra={"verdict": result.verdict})
    if chosen == "table":
        text = f"{text}\n{result.verdict}\n"
    emit(text, output)
    if chosen in ("markdown", "latex", "csv"):
        say(result.verdict)
