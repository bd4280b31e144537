"""The section on the most confident mistakes: what the model was surest of and wrong about."""

import numpy as np

from calib._arrays import Int
from calib._text import number, printable
from calib.outcomes import Outcomes
from calib.plots.inline import inline_image
from calib.report.parts import Section, Table, Tile
from calib.report.subject import Subject

MOST = 24
_SURE = 0.9999  # confidences above are written by what they leave


def mistakes_section(subject: Subject, anchor: str) -> Section:
    """The wrong answers of highest confidence: pictures where there are, else a table."""
    before, after = subject.diagnosis.before, subject.diagnosis.after
    heading = "Most confident mistakes"
    rows = most_confident_mistakes(before.outcomes)
    if not len(rows):
        return Section(f"{anchor}mistakes", heading, ["Every answer was right."])
    names = [printable(name, limit=40) for name in subject.class_names]
    wrong = int((~before.outcomes.correct).sum())
    which = f"All wrong answers, {wrong}, surest first."
    if wrong > len(rows):
        which = f"The {len(rows)} wrong answers that the model was surest of, of {wrong:,}."
    text = [
        f"{which} They are where to look for wrong labels, and for what the model has not learnt; no calibration turns "
        "them round. Examples are counted from 0."
    ]
    found = [
        (
            int(row),
            names[before.labels[row]],
            names[before.outcomes.predicted[row]],
            _sure(before.outcomes.confidence[row]),
            _sure(after.outcomes.confidence[row]),
        )
        for row in rows
    ]
    columns = ["example", "label", "predicted", "confidence", "with T"]
    table = Table(columns, [[f"{row}", *rest] for row, *rest in found])
    if subject.images is None:
        return Section(f"{anchor}mistakes", heading, text, tables=[table])
    tiles = [
        Tile(
            inline_image(subject.pixels(row), alt=f"Example {row}: {label}, taken for {predicted}"),
            f"{label} → {predicted}",
            f"{confidence} · {row}",
        )
        for row, label, predicted, confidence, _ in found
    ]
    text.append("Below each picture: its label → what it was taken for, the confidence, and its number.")
    return Section(
        f"{anchor}mistakes", heading, text, tiles=tiles, tables=[table._replace(folded="The same as a table")]
    )


def most_confident_mistakes(outcomes: Outcomes, most: int = MOST) -> Int:
    """Row numbers of the wrong answers, surest first, at most ``most``; equally sure ones in their order."""
    wrong = np.flatnonzero(~outcomes.correct)
    return wrong[np.argsort(-outcomes.score[wrong], kind="stable")[:most]]


def _sure(confidence: float) -> str:
    return number(confidence) if confidence <= _SURE else f"1 − {1 - confidence:.1e}" if confidence < 1 else "1"
