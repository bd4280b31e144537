"""Questions that were put before anything was trained: this kind of network minus that one, over seeds."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from calib._text import p_value
from calib.errors import InputError
from calib.seed_inference import holm, over_seeds
from calib.studies._evidence import LEVEL, interval, seeds_note, signed

if TYPE_CHECKING:
    import pandas as pd


class Contrast(NamedTuple):
    """A question, and the rows that it compares: ``{column: value}`` of either side."""

    question: str
    arm: Mapping[str, object]
    reference: Mapping[str, object]


class Score(NamedTuple):
    """A column, what it is called, its digits, and whether more of it is better."""

    column: str
    heading: str
    digits: int = 3
    higher_is_better: bool = False


def contrast_table(table: "pd.DataFrame", contrasts: Sequence[Contrast], scores: Sequence[Score]) -> "pd.DataFrame":
    """One row a contrast and score: mean of arm − reference over ``seeds``, paired, with Student's interval at 95 %.

    ``table`` has one row a kind of network and ``seed``.  ``better`` counts the seeds in which the arm is better;
    ``p_holm`` is adjusted for all tests of the table, ``tells`` says whether it is at most 0.05.  Raises `InputError`
    where the two sides have different seeds, or one of them none.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for contrast in contrasts:
        arm, reference = (_by_seed(table, side) for side in (contrast.arm, contrast.reference))
        for score in scores:
            values, base = ({seed: float(row[score.column]) for seed, row in side.items()} for side in (arm, reference))
            found = over_seeds(values, base, level=LEVEL)
            sign = 1 if score.higher_is_better else -1
            rows.append(
                {
                    "question": contrast.question,
                    "score": score.heading,
                    "difference": found.estimate,
                    "seeds": len(found.differences),
                    "better": sum(sign * difference > 0 for difference in found.differences),
                    "low": found.low,
                    "high": found.high,
                    "df": found.df,
                    "p": found.p_value,
                    "digits": score.digits,
                }
            )
    adjusted = holm([row["p"] for row in rows], level=1 - LEVEL)
    return pd.DataFrame(rows).assign(p_holm=adjusted.adjusted, tells=adjusted.rejected)


def readable_contrasts(table: "pd.DataFrame") -> "pd.DataFrame":
    """A table of `contrast_table` as strings; a star marks what can be told from no difference."""
    import pandas as pd

    rows = []
    for row in table.to_dict("records"):
        digits = row["digits"]
        rows.append(
            {
                "question": row["question"],
                "score": row["score"],
                "difference": signed(row["difference"], digits),
                f"95 % (t, {row['df']} df)": interval(row["low"], row["high"], digits, tells=row["tells"]),
                "p (Holm)": p_value(row["p_holm"]),
                "better": f"{row['better']} of {row['seeds']}",
            }
        )
    return pd.DataFrame(rows)


def contrast_notes(table: "pd.DataFrame", *, shared: bool) -> str:
    """What the numbers of a table of contrasts mean; ``shared`` says whether all seeds have the same test examples."""
    tests = int(table["p"].notna().sum()) if len(table) else 0
    if not tests:
        return "Each question is one kind of network minus another; of other seeds nothing is known."
    return (
        "Each question is one kind of network minus another, paired by seed: Student's t over seeds, a star where p is "
        f"at most 0.05 after Holm's correction for the {tests} tests of this table. {seeds_note(shared=shared)}"
    )


def _by_seed(table: "pd.DataFrame", side: Mapping[str, object]) -> dict[int, dict[Any, Any]]:
    chosen = table
    for column, value in side.items():
        chosen = chosen[chosen[column] == value]
    if not len(chosen) or chosen["seed"].duplicated().any():
        what = ", ".join(f"{column} {value}" for column, value in side.items())
        raise InputError(f"{what}: {len(chosen)} rows where one a seed was expected", help="name each run once")
    return {int(row["seed"]): row for row in chosen.to_dict("records")}
