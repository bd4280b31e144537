"""What a fit that found no optimum is told as: an error for a temperature, which is then no number, else a warning."""

from typing import TYPE_CHECKING

from calib.cli._output import say
from calib.errors import NumericalError

if TYPE_CHECKING:
    from calib.calibrators._base import Calibrator
    from calib.predictions import Predictions


def check_status(method: str, fitted: "Calibrator", split: "Predictions", *, of: str = "", cure: str = "") -> None:
    """Raise `NumericalError` where ``split`` has no best temperature; ``of`` names it in front, ``cure`` may help."""
    import numpy as np

    from calib.diagnosis import NO_TEMPERATURE
    from calib.files.rounded import why_zero

    status = getattr(fitted, "status", "ok")
    if status == "ok":
        return
    if method != "temperature":
        say(f"warning: {of}the fit is {status}; more examples or another method may help")
        return
    if impossible := int(np.isinf(split.outcomes.nll).sum()):
        raise NumericalError(
            f"{of}no temperature could be fitted: {impossible:,} labels have probability 0, so NLL is infinite"
            f"{why_zero(split.provenance)}",
            help="nothing was written; `--method bbq` keeps every probability above 0, ensemble-temperature may",
        )
    raise NumericalError(f"{of}{NO_TEMPERATURE[status]}", help=f"nothing was written{cure}")
