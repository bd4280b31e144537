"""Which is better, smoothing or a temperature?  In sentences, one for each inference, each with its numbers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from calib._text import number
from calib.export import row_name
from calib.studies.smoothing_differences import DIGITS, NAMES, REFERENCE_NAME

if TYPE_CHECKING:
    import pandas as pd


def differences_verdict(table: "pd.DataFrame", data: str) -> str:
    """Say what hard targets with a temperature win and lose against every smoothed arm, as it is and with its own T.

    Takes a table of `calib.studies.smoothing_differences.differences` and the name of the data.  No α is chosen, all
    are named, and what is not told apart too.  Empty where nothing was smoothed.
    """
    rows = [row for row in table.to_dict("records") if row["smoothing"] and row["calibrator"] in _JUDGED]
    if not rows:
        return ""
    df, n, seeds = rows[0]["df"], rows[0]["n"], rows[0]["seeds"]
    examples = f"n = {n:,}{'' if rows[0]['examples_shared'] else ' a seed'}"
    if df == 0:
        first = f"On {data} there is one seed only, which tells nothing of other seeds."
    else:
        first = f"On {data}, over {seeds} seeds (t, {df} df, 95 %; told apart after Holm): {_clauses(rows, 'seeds')}."
    whose = "this network of each kind" if df == 0 else "these networks"
    return (
        f"{first} Over test examples, given {whose} ({examples}; 95 %, without correction): "
        f"{_clauses(rows, 'examples')}."
    )


_JUDGED = ("uncalibrated", "temperature")


def _clauses(rows: Sequence[Mapping[Any, Any]], inference: str) -> str:
    arms: dict[str, list[Mapping[Any, Any]]] = {}
    for row in rows:
        arms.setdefault(row_name(row["model"], row["calibrator"]), []).append(row)
    told = {arm: _told(arm, metrics, inference) for arm, metrics in arms.items()}
    clauses = [clause for clause in told.values() if clause]
    if equal := [arm for arm, clause in told.items() if not clause]:
        metrics = _listed([NAMES[row["metric"]] for row in arms[equal[0]]])
        clauses.append(f"nothing of {metrics} tells {_listed(equal)} from {REFERENCE_NAME}")
    return "; ".join(clauses)


def _told(arm: str, rows: Sequence[Mapping[Any, Any]], inference: str) -> str:
    """What one arm wins and loses, and by what it is not told apart; empty where it is told apart by nothing."""
    won: list[str] = []
    lost: list[str] = []
    open_: list[str] = []
    for row in rows:
        low, high = row[f"{inference}_low"], row[f"{inference}_high"]
        if not row[f"{inference}_tell"]:
            open_.append(NAMES[row["metric"]])
            continue
        arm_is_worse = (high < 0) if row["metric"] == "accuracy" else (low > 0)
        (won if arm_is_worse else lost).append(_amount(row, *sorted((abs(low), abs(high)))))
    parts = []
    if won:
        parts.append(f"{REFERENCE_NAME} beats {arm} by {_listed(won)}")
    if lost:
        parts.append(f"{arm} beats {REFERENCE_NAME} by {_listed(lost)}")
    if parts and open_:
        parts.append(f"{_listed(open_)} not distinguishable")
    return ", ".join(parts)


def _amount(row: Mapping[Any, Any], low: float, high: float) -> str:
    digits = DIGITS.get(row["metric"], 3)
    estimate, *limits = (number(value, digits=digits) for value in (abs(row["difference"]), low, high))
    return f"{estimate} {NAMES[row['metric']]} [{', '.join(limits)}]"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
