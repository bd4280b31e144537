"""``python docs/update_gallery.py``: run the scripts of docs/gallery and keep their pictures for the Markdown pages."""

import hashlib
import runpy
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

HERE = Path(__file__).resolve().parent
PICTURES = HERE / "images" / "gallery"


def main() -> None:
    """Write one PNG a script; it carries the hash of its script, by which a test sees that it is not out of date."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for script in sorted((HERE / "gallery").glob("plot_*.py")):
        with mpl.style.context("default"):
            plt.close("all")
            runpy.run_path(str(script))
            digest = hashlib.sha256(script.read_bytes()).hexdigest()
            metadata = {"Software": None, "Source": f"sha256:{digest}"}
            plt.gcf().savefig(PICTURES / f"{script.stem.removeprefix('plot_')}.png", dpi=100, metadata=metadata)
        print(script.name)


if __name__ == "__main__":
    main()
