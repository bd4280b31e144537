"""The predictions that come with calib, made from run directories, and their table in docs/examples.md."""

import argparse
import re
import shlex
from dataclasses import replace
from pathlib import Path

from calib._text import number
from calib.diagnosis import diagnose
from calib.evaluation import Report
from calib.examples import FOLDER, SPLITS, Example, read_example
from calib.export import to_markdown
from calib.files.npz import save_predictions
from calib.sources import open_source
from calib.training.config import TrainConfig

PAGE = Path(__file__).resolve().parent.parent / "docs" / "examples.md"
MARKERS = re.compile(r"(<!-- examples:start -->\n).*?(<!-- examples:end -->)", re.DOTALL)


def make_example(name: str, run: Path, *, folder: Path = FOLDER) -> str:
    """Round a run's logits to float16 and write ``folder/name``; returns what the rounding changed, in words."""
    source = open_source(run)
    if source.calibration is None:
        raise SystemExit(f"{run} is no run directory")
    changed, largest = 0, 0.0
    for split, predictions in zip(SPLITS, (source.calibration, source.test), strict=True):
        config = TrainConfig.from_dict(dict(predictions.provenance["config"]))
        made = {"command": shlex.join(["calib", "train", *config.options(), "-o", f"runs/{name}"])}
        path = folder / name / f"{split}.npz"
        save_predictions(replace(predictions, provenance={**predictions.provenance, **made}), path, half=True)
        rounded = type(predictions).load(path)
        changed += int((rounded.outcomes.predicted != predictions.outcomes.predicted).sum())
        largest = max(largest, float(abs(rounded.outcomes.confidence - predictions.outcomes.confidence).max()))
    return f"{name}: {changed} predicted classes changed, no confidence by more than {largest:.1g}"


def table(examples: list[Example]) -> str:
    """Every example as it is and with a temperature, and below it how it was made: Markdown, from the files alone."""
    import pandas as pd

    rows = []
    for example in examples:
        found = diagnose(example.test, example.calibration)
        rows.append({"example": f"`{example.name}`", **_cells(found.uncalibrated), "T": "1"})
        scaled = f"{found.fitted.temperature:.3f}"
        rows.append({"example": f"`{example.name}` + T", **_cells(found.scaled), "T": scaled})
    made = "\n".join(_made(example) for example in examples)
    return f"{to_markdown(pd.DataFrame(rows))}\n{made}\n"


def _cells(report: Report) -> dict[str, str]:
    named = {"accuracy": "accuracy", "nll": "NLL", "brier": "Brier", "ece": "ECE", "ece_null": "by chance"}
    shown = {label: number(getattr(report, key), digits=3) for key, label in named.items()}
    return {"n": f"{report.n:,}", **shown, "gap": number(report.gap, digits=3, sign="+")}


def _made(example: Example) -> str:
    origin = example.provenance
    versions = ", ".join(f"{name} {version}" for name, version in origin["versions"].items())
    return (
        f"- `{example.name}`: `{origin['command']}`; {versions}; "
        f"calibration n = {example.calibration.n:,}; SHA-256 of the checkpoint {origin['checkpoint_sha256'][:12]}…"
    )


def main() -> None:
    """Write the examples named, then the page, from all files there are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", metavar="NAME=RUN", help="example to write, and its run directory")
    options = parser.parse_args()
    for pair in options.runs:
        name, _, run = pair.partition("=")
        if "-dirty" in open_source(run).test.provenance["versions"]["commit"]:
            raise SystemExit(f"{run} was trained with changes that were not committed: commit, and train again")
        print(make_example(name, Path(run)))
    examples = [read_example(path.parent) for path in sorted(FOLDER.glob("*/test.npz"))]
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(MARKERS.sub(lambda match: f"{match[1]}{table(examples)}{match[2]}", text), encoding="utf-8")


if __name__ == "__main__":
    main()
