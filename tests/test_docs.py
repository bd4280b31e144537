"""The code in README and docs runs, the commands exist, and every link leads somewhere."""

import importlib.util
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from typer.main import get_command

from calib.cli import app
from calib.export import readable, to_markdown
from calib.files.csv_table import to_the_last_bit
from calib.studies import (
    write_distillation,
    write_projections,
    write_selective_prediction,
    write_two_routes,
    write_wrong_labels,
)
from calib.studies._contrasts import readable_contrasts
from calib.studies.smoothing_differences import readable_differences

from .references import sample

ENGINES = {"dask", "distributed", "duckdb", "pyspark", "ray"}
STARTS_ENGINES = re.compile(rf"^(?:from|import) (?:{'|'.join(sorted(ENGINES))})\b", re.MULTILINE)
LIBRARIES = {"pytorch_lightning", "timm", "torchmetrics", "transformers"}
ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (ROOT / "docs", ROOT / "docs" / "studies", ROOT / "docs" / "api")
PAGES = [ROOT / "README.md", *(page for folder in FOLDERS for page in sorted(folder.glob("*.md")))]
BLOCKS = [
    pytest.param(code, id=f"{page.name}-{i}", marks=[pytest.mark.slow] if re.search(STARTS_ENGINES, code) else [])
    for page in PAGES
    for i, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
]


@pytest.mark.parametrize("code", BLOCKS)
def test_python_blocks_run(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a script, in a folder with some logs; what is not installed is skipped.

    Blocks that need other libraries have a process of their own, where the warnings of those are let through.
    """
    imported = set(re.findall(r"^(?:from|import) (?:calib\.integrations\.)?(\w+)", code, re.MULTILINE))
    imported -= {"lightning"}  # the name of our file; the package is named beside it
    if lacking := [name for name in sorted(imported) if importlib.util.find_spec(name) is None]:
        pytest.skip(f"{lacking[0]} is not installed")
    block = tmp_path / "block.py"
    block.write_text(code, encoding="utf-8")
    if "logs" in code:
        write_logs(tmp_path / "logs")
    if imported & (ENGINES | LIBRARIES):
        subprocess.run([sys.executable, block], cwd=tmp_path, check=True, timeout=200)
    else:
        monkeypatch.chdir(tmp_path)
        runpy.run_path(str(block), run_name="__main__")
        plt.close("all")


def write_logs(folder: Path) -> None:
    """Three Parquet files of logits, where Parquet can be written."""
    pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    folder.mkdir()
    logits, labels = sample(900, 4, true_temperature=0.7)
    table = pd.DataFrame({f"logit_{c}": logits[:, c] for c in range(4)}).assign(label=labels)
    for i, rows in enumerate(np.array_split(np.arange(900), 3)):
        table.iloc[rows].to_parquet(folder / f"{i}.parquet")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_docs_exist(page: Path) -> None:
    known = get_command(app).commands  # type: ignore[attr-defined]  # a group of commands has them
    for command in re.findall(r"\bcalib ([a-z][a-z-]+)", "\n".join(_code(page))):
        assert command in known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    for target in targets:
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_readme_s_numbers_are_those_of_a_demo_of_committed_code() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "demo" / "comparison.md").read_text(encoding="utf-8")
    table = pd.read_csv(ROOT / "docs" / "demo" / "comparison.csv")
    assert readme.count(page.partition("\n")[2].strip()) == 1
    assert to_markdown(readable(table)) in page
    assert re.search(r"Made by `calib demo [^`]*`, commit [0-9a-f]{12}, on", page)  # not "-dirty"
    assert set(table["n"]) == {797}
    assert set(table["smoothing"]) == {0.0, 0.05, 0.1}


def test_the_numbers_of_the_projections_are_those_of_a_run_of_committed_code() -> None:
    folder = ROOT / "docs" / "studies"
    page = (folder / "projections.md").read_text(encoding="utf-8")
    table = pd.read_csv(folder / "projections" / "projections.csv")
    assert to_markdown(write_projections.readable(table)) in page
    assert re.search(r"Made by `calib study projections [^`]*`, commit [0-9a-f]{12}, on", page)  # not "-dirty"
    seeds = table.set_index(["part", "seed", "smoothing"]).unstack()
    for column, lower in (
        ("gap_sd", 6),
        ("wrong_logit_spread", 6),
        ("relative_spread", 6),
        ("plane_within_between", 6),
    ):
        assert (seeds[column][0.1] < seeds[column][0.0]).sum() == lower == len(seeds)
    higher = seeds["within_between"][0.1] > seeds["within_between"][0.0]
    assert (higher["test"].sum(), higher["train"].sum()) == (3, 2)


def test_the_study_s_numbers_are_those_of_a_run_of_committed_code() -> None:
    page = (ROOT / "docs" / "studies" / "smoothing-versus-temperature.md").read_text(encoding="utf-8")
    kept = ROOT / "docs" / "studies" / "smoothing-versus-temperature"
    table, differences = (pd.read_csv(kept / f"{name}.csv") for name in ("comparison", "differences"))
    assert to_markdown(readable(table, more=True)) in page
    assert to_markdown(readable_differences(differences)) in page
    assert re.search(r"Made by `calib study smoothing-versus-temperature[^`]*`, commit [0-9a-f]{12}, on", page)
    assert (set(table["n"]), set(table["seeds"])) == ({10_000}, {4})
    (row,) = [line for line in page.splitlines() if "| measured here | ." in line]
    cells = [cell.strip() for cell in row.split("|")[3:9]]
    for cell, ece, temperature, calibrator in zip(
        cells, table["ece"], table["temperature"], table["calibrator"], strict=True
    ):
        tuned = f" ({temperature:.2f})" if calibrator == "temperature" else ""
        assert cell == f"{ece:.3f}".lstrip("0") + tuned


STUDY_TABLES: dict[str, Callable[[Path], list[pd.DataFrame]]] = {
    "distillation": lambda kept: [
        write_distillation.readable_teachers(pd.read_csv(kept / "distillation.csv")),
        write_distillation.readable_students(pd.read_csv(kept / "distillation.csv")),
        readable_contrasts(pd.read_csv(kept / "questions.csv", **to_the_last_bit())),
    ],
    "selective-prediction": lambda kept: [
        write_selective_prediction.readable_rankings(pd.read_csv(kept / "selective-prediction.csv")),
        readable_contrasts(pd.read_csv(kept / "questions.csv")),
    ],
    "two-routes": lambda kept: [
        write_two_routes.readable_routes(pd.read_csv(kept / "two-routes.csv")),
        write_two_routes.readable_agreement(pd.read_csv(kept / "agreement.csv")),
    ],
    "wrong-labels": lambda kept: [write_wrong_labels.readable_overview(pd.read_csv(kept / "wrong-labels.csv"))],
}


@pytest.mark.parametrize("name", sorted(STUDY_TABLES))
def test_the_tables_of_a_study_are_those_of_a_run_of_committed_code(name: str) -> None:
    studies = ROOT / "docs" / "studies"
    page = (studies / f"{name}.md").read_text(encoding="utf-8")
    for table in STUDY_TABLES[name](studies / name):
        assert to_markdown(table) in page
    assert re.search(rf"Made by `calib study {name}[^`]*`, commit [0-9a-f]{{12}}, on", page)  # not "-dirty"


def test_what_is_said_of_distillation_holds() -> None:
    table = pd.read_csv(ROOT / "docs" / "studies" / "distillation" / "distillation.csv")
    page = (ROOT / "docs" / "studies" / "distillation.md").read_text(encoding="utf-8")
    means = table.groupby(["kind", "smoothing", "teacher_temperature"], dropna=False)["accuracy"].mean()
    of = {tuple(map(str, index)): f"{100 * value:.2f}" for index, value in means.items() if isinstance(index, tuple)}
    (row,) = [line for line in page.splitlines() if "| measured here, T = 1 |" in line]
    cells = [cell.strip().split(" ")[0] for cell in row.split("|")[2:6]]
    kinds = [("teacher", "0.0", "nan"), ("teacher", "0.3", "nan"), ("student", "0.0", "1.0"), ("student", "0.3", "1.0")]
    assert cells == [of[kind] for kind in kinds]
    taught = table[(table["kind"] == "student") & (table["teacher_temperature"] == 1)].set_index(["seed", "smoothing"])
    wide = taught["accuracy"].unstack()
    assert (wide[0.3] < wide[0.0]).all()


def _code(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text)
