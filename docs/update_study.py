"""Put a study's page, tables and pictures into docs: ``python docs/update_study.py NAME FOLDER``."""

import re
import shutil
import sys
from pathlib import Path

STUDIES = Path(__file__).resolve().parent / "studies"


def main(name: str, folder: Path) -> None:
    """Keep the tables and pictures in ``studies/NAME``, and put the page between the markers of ``studies/NAME.md``."""
    (written,) = folder.glob("*.md")
    page = written.read_text(encoding="utf-8")
    if re.search(r"Made by `[^`]*`, commit \w+-dirty", page):
        raise SystemExit("the study ran on changes that are not committed: commit, and run it again")
    (STUDIES / name).mkdir(exist_ok=True)
    for file in (*folder.glob("*.csv"), *folder.glob("*.png")):
        shutil.copyfile(file, STUDIES / name / file.name)
    target = STUDIES / f"{name}.md"
    pattern = re.compile(r"(<!-- study:start -->\n).*?(<!-- study:end -->)", re.DOTALL)
    updated, count = pattern.subn(
        lambda match: f"{match[1]}{inside(page, name)}\n{match[2]}", target.read_text("utf-8")
    )
    if count != 1:
        raise SystemExit(f"{target} has lost its markers")
    target.write_text(updated, encoding="utf-8")


def inside(page: str, name: str) -> str:
    """The page without its title, a level further down, with its pictures in the folder of that name."""
    body = page.partition("\n")[2].strip()
    return re.sub(r"\]\(([\w-]+\.png)\)", rf"]({name}/\1)", re.sub("^## ", "### ", body, flags=re.MULTILINE))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
