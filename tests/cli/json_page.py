"""docs/json.md as data: what its tables say of a command's JSON, and whether an answer is so."""

import re
from functools import cache
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "json.md"
KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "object": (dict,),
}
LISTS = {"strings": "string", "integers": "integer", "objects": "object"}
NESTED = {"report": "Report", "scaled report": "Scaled report", "bounds": "Bounds"}
BASE = "calib evaluate SOURCE"


@cache
def sections() -> dict[str, dict[str, str]]:
    """Of each heading the types by key, as written; what "All of" names is there too."""
    found: dict[str, dict[str, str]] = {}
    for part in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        keys: dict[str, str] = dict(found[BASE]) if f"All of `{BASE}`" in body else {}
        for names, kind in re.findall(r"^\| (`.*?) \| (.*?) \| .* \|$", body, re.MULTILINE):
            keys |= dict.fromkeys(re.findall(r"`([^`]+)`", names), kind)
        found[title.strip("`")] = keys
    return found


def expected(title: str) -> dict[str, str]:
    """The types by key path of a command's answer, with nested tables put in."""
    keys: dict[str, str] = {}
    for key, kind in sections()[title].items():
        if kind not in NESTED:
            keys[key] = kind
            continue
        inner = sections()[NESTED[kind]] | (sections()["Report"] if kind == "scaled report" else {})
        keys |= {f"{key}.{name}": inner_kind for name, inner_kind in inner.items()}
    return keys


def paths(value: Any, known: dict[str, str], prefix: str = "") -> dict[str, list[Any]]:
    """The values of an answer by key path; nothing below a key that the page names by itself."""
    found: dict[str, list[Any]] = {}
    for key, item in value.items():
        path = f"{prefix}{key}"
        if path in known or not (isinstance(item, dict) or (item and isinstance(item, list))):
            found.setdefault(path, []).append(item)
            continue
        for each in item if isinstance(item, list) else [item]:
            inner = paths(each, known, f"{path}[]." if isinstance(item, list) else f"{path}.")
            for name, values in inner.items():
                found.setdefault(name, []).extend(values)
    return found


def is_of(value: Any, kind: str) -> bool:
    if kind in LISTS:
        return isinstance(value, list) and all(is_of(item, LISTS[kind]) for item in value)
    return isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def assert_documented(title: str, answer: dict[str, Any], *, instead: dict[str, str] | None = None) -> None:
    """The keys are those of the page, all and no others, and each value is of the type that stands there.

    ``instead`` are keys that take the place of others in this form of the command.
    """
    known = expected(title)
    for old, new in (instead or {}).items():
        kind = known.pop(old)
        known |= dict.fromkeys(filter(None, new.split()), kind)
    found = paths(answer, known)
    assert set(found) == set(known)
    for path, values in found.items():
        kinds = known[path].split(" or ")
        assert all(any(is_of(value, kind) for kind in kinds) for value in values), (path, known[path], values[:3])
