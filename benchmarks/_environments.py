"""One virtual environment a peer, made on first use: several of them do not install side by side."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TORCH = "torch==2.13.0"
ENVIRONMENTS = {  # versions the tables were made with; torch is installed first, so that none brings its own
    "torchmetrics": (TORCH, "torchmetrics==1.9.0"),  # also plain torch and numpy
    "netcal": (TORCH, "netcal==1.4.0"),
    "probmetrics": (TORCH, "probmetrics==1.3.0", "numba==0.68.1", "pandas==3.1.1"),  # imports both, asks for neither
    "torch-uncertainty": (TORCH, "torchmetrics==1.9.0", "torch-uncertainty==0.13.0"),
    "scikit-learn": ("scikit-learn==1.9.1",),
    "mapie": ("mapie==1.6.0",),
    "relplot": ("relplot==1.0.3",),
    "uncertainty-calibration": ("uncertainty-calibration==0.1.4",),
    "calibstats": ("calibstats==0.1.0",),
    "calibre": ("calibre",),  # 0.4.0 below Python 3.12
    "tensorflow-probability": ("tensorflow-cpu==2.21.0", "tf-keras==2.21.0", "tensorflow-probability==0.25.0"),
}
MARK = "answer: "
ROOT = Path(__file__).resolve().parent.parent
DEFAULT_FOLDER = ROOT / "build" / "peers"


def python_of(name: str, folder: Path) -> Path:
    """The interpreter of a peer's environment below ``folder``, which is made or finished where necessary.

    Raises `RuntimeError` with the last lines of pip where something does not install.
    """
    home = (folder / name).absolute()
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    finished = home / "finished.json"
    packages = list(ENVIRONMENTS[name])
    if not finished.exists() or json.loads(finished.read_text()) != packages:
        print(f"making the environment of {name} in {home}", file=sys.stderr)
        _run([sys.executable, "-m", "venv", str(home)], timeout=120)
        for package in packages:
            _run([str(python), "-m", "pip", "install", "--quiet", package], timeout=1800)
        finished.write_text(json.dumps(packages))
    return python


def work(python: Path | str, module: str, arguments: list[str], *, threads: int, timeout: float) -> list[Any]:
    """Run ``python -m module arguments`` from the checkout; the JSON values that it gives to `answer`.

    Raises `RuntimeError` with its last words where it fails, `TimeoutError` where it takes too long.
    """
    limits = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(limits, str(threads)), "CUDA_VISIBLE_DEVICES": ""}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "MPLBACKEND": "Agg"}
    command = [str(python), "-W", "ignore", "-m", module, *arguments]
    printed = _run(command, timeout=timeout, environment=environment)
    return [json.loads(line.removeprefix(MARK)) for line in printed.splitlines() if line.startswith(MARK)]


def answer(value: Any) -> None:
    """What a worker prints for `work`: a JSON record, told from a package's own printing by its mark."""
    print(MARK + json.dumps(value), flush=True)


def _run(command: list[str], *, timeout: float, environment: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=environment, cwd=ROOT)
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"over {timeout:g} s") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise RuntimeError(last)
    return done.stdout
