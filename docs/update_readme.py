"""Put the demo's verdict, table and picture into README and docs: ``python docs/update_readme.py calib-demo``."""

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "docs" / "demo"


def main(folder: Path) -> None:
    """Keep the demo's tables in ``docs/demo``, and replace what stands between the README's markers by its page."""
    page = (folder / "comparison.md").read_text(encoding="utf-8")
    if "-dirty" in page:
        raise SystemExit("the demo ran on changes that are not committed: commit, and run it again")
    DEMO.mkdir(exist_ok=True)
    for name in ("comparison.md", "comparison.csv"):
        shutil.copyfile(folder / name, DEMO / name)
    shutil.copyfile(folder / "reliability.png", ROOT / "docs" / "images" / "reliability.png")
    readme = ROOT / "README.md"
    pattern = re.compile(r"(<!-- demo:start -->\n).*?(<!-- demo:end -->)", re.DOTALL)
    updated, count = pattern.subn(
        lambda match: f"{match[1]}{without_title(page)}\n{match[2]}", readme.read_text("utf-8")
    )
    if count != 1:
        raise SystemExit("README.md has lost its demo markers")
    readme.write_text(updated, encoding="utf-8")


def without_title(page: str) -> str:
    """The page from its second line on."""
    return page.partition("\n")[2].strip()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
