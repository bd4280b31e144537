"""Put the demo's verdict, table and picture into the README: ``python docs/update_readme.py calib-demo``."""

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(folder: Path) -> None:
    """Replace what stands between the README's markers by the demo's own ``comparison.md``, without its title."""
    shutil.copyfile(folder / "reliability.png", ROOT / "docs" / "images" / "reliability.png")
    _, _, text = (folder / "comparison.md").read_text(encoding="utf-8").partition("\n")
    readme = ROOT / "README.md"
    pattern = re.compile(r"(<!-- demo:start -->\n).*?(<!-- demo:end -->)", re.DOTALL)
    updated, count = pattern.subn(lambda match: f"{match[1]}{text.strip()}\n{match[2]}", readme.read_text("utf-8"))
    if count != 1:
        raise SystemExit("README.md has lost its demo markers")
    readme.write_text(updated, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
