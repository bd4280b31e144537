"""Write a report: diagnose, fill the sections, render the page, one file."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeAlias

from calib._arrays import to_numpy
from calib.diagnosis import diagnose
from calib.errors import InputError
from calib.files.atomic import atomic_file
from calib.plots.inline import page_style
from calib.predictions import ArrayLike, Predictions, require_predictions
from calib.report.classes import classes_section, groups_section
from calib.report.comparison import comparison_part
from calib.report.curves import confidence_section, numbers_section, reliability_section
from calib.report.mistakes import mistakes_section
from calib.report.page import render_page
from calib.report.parts import Part, Section, section_or_reason
from calib.report.provenance import provenance_section
from calib.report.ranking import risk_section
from calib.report.robustness import line_section, sensitivity_section
from calib.report.subject import Subject
from calib.report.verdicts import verdict_on

Named: TypeAlias = Mapping[str, Predictions]


def write_report(
    predictions: Predictions | Named,
    path: Path | str,
    *,
    calibration: Predictions | Named | None = None,
    groups: ArrayLike | None = None,
    images: ArrayLike | None = None,
    title: str | None = None,
    n_bins: int = 15,
    seed: int = 0,
) -> None:
    """Write all that calib says of one model, or of several by name, to ``path``: one HTML file that needs no other.

    The verdict comes first, then tables, diagrams without and with a temperature, risk against coverage, classes, the
    most confident mistakes, other bins, tests and provenance.  The temperature is fitted on ``calibration``, which is
    Predictions, or one a name; without it, it is cross-fitted as in `calib.diagnose`.  ``groups`` ``(n,)`` has one
    number or word an example; ``images`` are of the same examples, uint8 ``(n, height, width)`` or with 1 or 3 colours
    before or after these two.  Nothing is fetched from a network, then or when it is read.  The same input gives the
    same bytes.  Raises `InputError` for bad input, and where the file cannot be written.

    >>> import tempfile
    >>> test = Predictions.from_logits([[2.0, 0.0], [0.0, 1.0]] * 10, [0, 1] * 8 + [1, 0, 1, 0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(test, f"{folder}/report.html")
    ...     print(Path(folder, "report.html").read_text(encoding="utf-8")[:15])
    <!doctype html>
    """
    named = {"the model": predictions} if isinstance(predictions, Predictions) else predictions
    if not isinstance(named, Mapping):
        require_predictions(named)
    if not named:
        raise InputError("there are no predictions to report", help="pass Predictions, or {name: Predictions}")
    splits = {"the model": calibration} if isinstance(calibration, Predictions) else dict(calibration or {})
    if isinstance(calibration, Predictions) and not isinstance(predictions, Predictions):
        raise InputError("one calibration split was given for several models", help="pass {name: Predictions}")
    if unknown := set(splits) - set(named):
        raise InputError(f"calibration names {min(unknown)!r}, predictions do not", help="use the same names for both")
    subjects = [
        Subject(
            str(name),
            diagnose(test, splits.get(name), n_bins=n_bins, seed=seed),
            groups=None if groups is None else ("group", to_numpy(groups)),
            images=None if images is None else to_numpy(images),
        )
        for name, test in named.items()
    ]
    html = render_report(subjects, [splits.get(name) for name in named], title=title)
    with atomic_file(path) as file:
        file.write(html.encode("utf-8"))


def render_report(
    subjects: Sequence[Subject],
    calibrations: Sequence[Predictions | None],
    *,
    title: str | None = None,
    command: str | None = None,
    date: str | None = None,
    on_section: Callable[[int, int], None] | None = None,
) -> str:
    """The page as text.  ``command`` is how it is made again; ``date`` is shown where there is one.

    ``on_section`` is told how many sections on single models are done, of how many.
    """
    several = len(subjects) > 1
    in_all = sum(len(_makers(subject)) for subject in subjects)
    done = count(1)

    def tell() -> None:
        if on_section is not None:
            on_section(next(done), in_all)

    with page_style():
        parts = [comparison_part(subjects)] if several else []
        parts += [
            model_part(subject, f"m{i}" if several else "", named=several, tell=tell)
            for i, subject in enumerate(subjects, 1)
        ]
    parts.append(Part("", "", [provenance_section(subjects, calibrations, command=command, date=date)]))
    said = f"{len(subjects)} models" if several else subjects[0].name
    return render_page(title or f"Calibration of {said}", parts)


def model_part(subject: Subject, anchor: str, *, named: bool, tell: Callable[[], None]) -> Part:
    """All sections on one model; those that these predictions do not allow say why.  Each is told when it is made."""
    prefix = f"{anchor}-" if anchor else ""
    sections = []
    for (name, heading), make in _makers(subject).items():
        sections.append(section_or_reason(partial(make, subject, prefix), anchor=f"{prefix}{name}", heading=heading))
        tell()
    return Part(anchor, subject.name if named else "", sections, verdict_on(subject))


def _makers(subject: Subject) -> dict[tuple[str, str], Callable[[Subject, str], Section]]:
    """What makes the sections on this model, by anchor and heading."""
    makers: dict[tuple[str, str], Callable[[Subject, str], Section]] = {
        ("numbers", "The numbers"): numbers_section,
        ("reliability", "Reliability, before and after"): reliability_section,
        ("confidence", "Confidence of right and wrong answers"): confidence_section,
        ("risk", "Risk against coverage"): risk_section,
        ("classes", "Class by class"): classes_section,
        ("groups", "Groups"): groups_section,
        ("mistakes", "Most confident mistakes"): mistakes_section,
        ("sensitivity", "Would other bins say the same?"): sensitivity_section,
        ("line", "Slope, intercept and tests"): line_section,
    }
    if subject.groups is None:
        del makers["groups", "Groups"]
    return makers
