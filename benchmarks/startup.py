"""What a person waits for before anything is computed, in one run: ``python -m benchmarks.startup``.

``calib --help`` against a typer program of two commands, and ``calib evaluate`` of 10,000 × 10 logits against importing
what it cannot do without.  Medians of eleven, one after the other in turn.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from calib.environment import commit, hardware, versions

TWO_COMMANDS = """
import typer
app = typer.Typer()
@app.command()
def one(number: int = 1) -> None: ...
@app.command()
def two(number: int = 1) -> None: ...
app()
"""
REPETITIONS = 11


def main() -> None:
    """Measure and print one Markdown table."""
    with tempfile.TemporaryDirectory() as folder:
        program, predictions = Path(folder, "two.py"), Path(folder, "predictions.npz")
        program.write_text(TWO_COMMANDS)
        rng = np.random.default_rng(0)
        logits = rng.normal(size=(10_000, 10)).astype(np.float32) * 3
        np.savez(predictions, logits=logits, labels=(logits / 1.5 + rng.gumbel(size=logits.shape)).argmax(axis=1))
        imports = "import numpy, scipy.optimize, typer, rich.table"
        rows = [
            ("`calib --help`", ["-m", "calib", "--help"], "typer, two commands", [str(program), "--help"], 1.3),
            (
                "`calib evaluate` 10,000 × 10",
                ["-m", "calib", "evaluate", str(predictions)],
                imports,
                ["-c", imports],
                1.5,
            ),
        ]
        print(f"{hardware()}; commit {commit()}; {', '.join(f'{k} {v}' for k, v in versions().items())}\n")
        print("| work | calib | against | that | calib / that | goal |")
        print("| :--- | ---: | :--- | ---: | ---: | ---: |")
        for name, ours, against, theirs, goal in rows:
            pairs = [(_seconds(ours), _seconds(theirs)) for _ in range(REPETITIONS + 1)][1:]
            mine, other = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(f"| {name} | {mine:.3f} s | {against} | {other:.3f} s | {mine / other:.2f} | ≤ {goal} |")


def _seconds(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
