"""``calib evaluate`` as most people ask it: as it is, with a temperature, and which to ship."""

from functools import partial
from typing import TYPE_CHECKING

from calib._text import printable
from calib.cli._json import diagnosed
from calib.cli._page import Page
from calib.report_rows import diagnosis_heading, diagnosis_rows, ship

if TYPE_CHECKING:
    from calib.diagnosis import Diagnosis


def evaluate_diagnosis(name: str, diagnosis: "Diagnosis") -> Page:
    """The diagnosis as a page, with warnings about what spoils it."""
    from calib.tables import score_table

    columns, rows = diagnosis_rows(diagnosis)
    config = diagnosis.before.provenance.get("config", {})
    about = f"{config['arch']} on {config['dataset']}, " if "arch" in config and "dataset" in config else ""
    return Page(
        above=f"{printable(name)}: {printable(about)}{diagnosis_heading(diagnosis)}",
        columns=columns,
        rows=rows,
        full=partial(score_table, {name: diagnosis}),
        body=diagnosed(name, diagnosis),
        verdict=diagnosis.verdict,
        judged={"": {"uncalibrated": diagnosis.uncalibrated, "temperature": diagnosis.scaled}},
        below=[diagnosis.verdict, f"Ship: {ship(diagnosis)}"],
        warnings=_warnings(diagnosis),
    )


def _warnings(diagnosis: "Diagnosis") -> list[str]:
    from calib.files.rounded import why_zero

    found = []
    if impossible := diagnosis.uncalibrated.infinite_nll:
        zero = why_zero(diagnosis.before.provenance)
        found.append(f"{impossible:,} labels have probability 0, so NLL is infinite{zero}")
    if diagnosis.fitted.status != "ok":
        found.append(f"no temperature was fitted ({diagnosis.fitted.status}); the second column is the first again")
    return found
