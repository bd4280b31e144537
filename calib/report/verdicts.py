"""The verdict on one model: is it calibrated, which way is it off, what to ship, and by which command."""

from typing import cast

from calib._text import number, with_error
from calib.diagnosis import Diagnosis, direction
from calib.predictions import LOOK_LIKE_PROBS, look_like_probs
from calib.report.hidden import hidden_error
from calib.report.parts import KeyNumber, Tone, Verdict
from calib.report.subject import Subject

_HEADLINES = {
    "overconfident": "Not calibrated: overconfident",
    "underconfident": "Not calibrated: underconfident",
    "both directions": "Not calibrated: too sure in some places, not sure enough in others",
}


def verdict_on(subject: Subject) -> Verdict:
    """Put the verdict of the diagnosis first, and what follows from it."""
    diagnosis = subject.diagnosis
    found, hidden = direction(diagnosis.uncalibrated), hidden_error(subject)
    n = diagnosis.uncalibrated.n
    if found != "calibrated":
        headline, tone = _HEADLINES[found], "bad" if diagnosis.fitted.status == "ok" else "unsure"
    elif hidden:
        headline, tone = "Not calibrated class by class, though it is on average", "bad"
    else:
        headline, tone = f"Calibrated, as far as {n:,} examples can tell", "good"
    advice, commands = _advice(subject, hidden)
    sentence = " ".join(filter(None, [diagnosis.verdict, hidden]))
    return Verdict(cast(Tone, tone), headline, sentence, _numbers(diagnosis), advice, commands, _notes(subject))


def _advice(subject: Subject, hidden: str) -> tuple[str, list[str]]:
    """What to ship, and the commands.  A temperature treats all classes alike, so it mends no ``hidden`` error."""
    diagnosis = subject.diagnosis
    before, after, fitted = diagnosis.uncalibrated, diagnosis.scaled, diagnosis.fitted
    if fitted.status != "ok" and before.infinite_nll:
        return (
            "Save more decimals, or the logits: no temperature mends labels of probability 0. See what others do:",
            [subject.other_methods],
        )
    if fitted.status != "ok":
        return "Ship it as it is until more examples are at hand: no temperature could be fitted.", []
    if not diagnosis.needs_temperature:
        if direction(before) == "calibrated" and not hidden:
            return f"Ship it as it is: {diagnosis.paste}.", []
        return "No temperature mends this. See what other methods do:", [subject.other_methods]
    if after.nll > before.nll:
        return "Do not ship this temperature: it does not lower NLL. Bring more calibration examples.", []
    if subject.by_group is not None:
        return f"One temperature for all leaves groups miscalibrated. Ship {subject.to_ship}:", subject.commands
    if hidden or direction(after) != "calibrated":
        left = (
            "A temperature treats all classes alike" if direction(after) == "calibrated" else "More than chance is left"
        )
        return (
            f"Ship {subject.to_ship}. {left}, so see what other methods do:",
            [*subject.commands, subject.other_methods],
        )
    return f"Ship {subject.to_ship}:", subject.commands


def _numbers(diagnosis: Diagnosis) -> list[KeyNumber]:
    before, after, fitted = diagnosis.uncalibrated, diagnosis.scaled, diagnosis.fitted
    cross = ", cross-fitted" if diagnosis.cross_fitted else ""
    temperature = with_error(fitted.temperature, fitted.standard_error) if fitted.status == "ok" else "none"
    return [
        KeyNumber(
            f"ECE{cross}",
            f"{before.ece:.3f} → {after.ece:.3f}",
            f"by chance {before.ece_null:.3f} → {after.ece_null:.3f}; 95 % interval as it is {before.ece_low:.3f} to "
            f"{before.ece_high:.3f}",
        ),
        KeyNumber("Temperature", temperature, f"fitted on {fitted.n:,} examples"),
        KeyNumber("NLL", f"{number(before.nll, digits=3)} → {number(after.nll, digits=3)}", "nats; lower is better"),
        KeyNumber("Accuracy", f"{before.accuracy:.1%}", f"mean confidence {before.mean_confidence:.1%}"),
    ]


def _notes(subject: Subject) -> list[str]:
    diagnosis, notes = subject.diagnosis, list(subject.notes)
    before = diagnosis.uncalibrated
    if look_like_probs(diagnosis.before) and LOOK_LIKE_PROBS not in notes:
        notes.append(LOOK_LIKE_PROBS)
    if before.infinite_nll:
        notes.append(f"{before.infinite_nll:,} labels have probability 0, so NLL is infinite.")
    if diagnosis.before.sample_weight is not None:
        notes.append("The examples are weighted; what is not defined for weighted examples is left out.")
    if subject.why:
        notes.append(subject.why)
    return notes
