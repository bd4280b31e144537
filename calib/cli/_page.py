"""What every form of ``calib evaluate`` comes to: a table, what stands around it, and the same for machines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from calib.cli._output import emit, render, say, text_table
from calib.export import Format, to_json

if TYPE_CHECKING:
    import pandas as pd

    from calib.evaluation import Report
    from calib.reading import Reading


@dataclass(frozen=True)
class Asked:
    """What an evaluation is of, whatever its form."""

    source: Path
    calibration: Path | None
    reading: "Reading"
    bins: int
    seed: int


@dataclass(frozen=True, eq=False)
class Page:
    """``columns`` and ``rows`` are for people; ``full`` makes the table of every number, and ``body`` is the JSON.

    ``full`` waits until it is asked, for importing pandas takes as long as all else.  ``above`` stands above the table
    and ``below``, lines, below it: the verdict, if nothing else is said.  ``notes`` and ``warnings`` go to stderr in
    every format; ``said`` are notes that stand there already.  ``judged`` are the reports that gates look at: by
    column, under what names them in messages.
    """

    columns: list[str]
    rows: list[list[str]]
    full: "Callable[[], pd.DataFrame]"
    body: Mapping[str, object]
    verdict: str
    judged: "Mapping[str, Mapping[str, Report]]"
    above: str = ""
    below: Sequence[str] = ()
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    said: Sequence[str] = ()

    def show(self, format: Format, output: Path | None) -> None:
        """Write it to ``output`` or stdout, and to stderr what has no place there."""
        warnings = [f"warning: {warning}" for warning in self.warnings]
        if format == "table":
            above = f"{self.above}\n\n" if self.above else ""
            below = "\n".join(self.below or [self.verdict])
            emit(f"{above}{text_table(self.columns, self.rows)}\n{below}\n", output)
        elif format == "json":
            emit(to_json({**self.body, "notes": [*self.said, *self.notes, *warnings]}), output)
        else:
            import pandas as pd

            shown = pd.DataFrame(self.rows, columns=self.columns)
            emit(render(format, full=self.full(), shown=shown, extra={}), output)
            say(self.verdict)
        for line in (*(f"note: {note}" for note in self.notes), *warnings):
            say(line)


def by_column(name: str, reports: "Mapping[str, Report]") -> "Callable[[], pd.DataFrame]":
    """What makes a table of every number of reports, one row each, under a column ``name`` that says which."""

    def table() -> "pd.DataFrame":
        import pandas as pd

        return pd.DataFrame([{name: which, **report.to_dict()} for which, report in reports.items()])

    return table
