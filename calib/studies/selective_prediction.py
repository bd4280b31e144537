"""Does smoothing hurt where a network may decline to answer, and what brings the order of its confidences back?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from calib.calibrators.p_norm import MaxLogitPNorm
from calib.calibrators.temperature import TemperatureScaling
from calib.errors import InputError
from calib.metrics.ranking import Ranking, RiskCoverage
from calib.outcomes import Outcomes
from calib.reading import Reading
from calib.sources import Source, open_source
from calib.studies._contrasts import Contrast, Score
from calib.studies.settings import SETTINGS as COMPARED, Setting
from calib.targets import smoothing_name
from calib.training.config import TrainConfig

if TYPE_CHECKING:
    import pandas as pd

SOFTMAX, TEMPERATURE, P_NORM = "softmax", "softmax + T", "p-norm"

SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {name: replace(setting, smoothing=(0.0, 0.05, 0.1, 0.2)) for name, setting in COMPARED.items()}
)
PAPERS: Mapping[str, Setting] = MappingProxyType(
    {
        # Xia et al. (2024): ResNet-20 on CIFAR-10, 75 epochs, rate ÷ 10 at 25 and 50, α = 0.2
        "xia": Setting(
            TrainConfig(
                dataset="cifar10",
                arch="resnet20",
                train_size=45_000,
                calibration_size=5_000,
                epochs=75,
                batch_size=128,
                schedule="steps",
                milestones=(25 / 75, 50 / 75),
                weight_decay=5e-4,
                nesterov=False,
                shift=4,
                flip=True,
            ),
            smoothing=(0.0, 0.2),
            seeds=3,
        )
    }
)


@dataclass(frozen=True, eq=False)
class SelectivePrediction:
    """One row a run and way of ranking, and the risk–coverage curve behind each, in the same order.

    ``table``: ``coverage_at_risk`` is the share of examples that can be answered with at most ``risk`` of the answers
    wrong, ``risk_at_coverage`` the share of wrong answers when ``coverage`` of them are; ``parameter`` is the fitted
    temperature or p, NaN where there is none.
    """

    table: "pd.DataFrame"
    curves: tuple[RiskCoverage, ...]
    notes: tuple[str, ...] = ()


def rank_runs(
    paths: Sequence[Path | str], *, risk: float = 0.05, coverage: float = 0.8, **options: Any
) -> SelectivePrediction:
    """Rank the test examples of every run by softmax confidence, without and with its temperature, and by p-norm.

    Temperature and p are fitted on the calibration split; ``options`` are those of `calib.reading.Reading`.  Raises
    `InputError` for runs that cannot be opened or have no calibration split.
    """
    import pandas as pd

    if not paths:
        raise InputError("there are no runs to rank", help="name at least one run")
    rows, curves, notes = [], [], []
    for path in paths:
        source = open_source(path, Reading(**options))
        notes += [f"{source.name}: {note}" for note in source.notes]
        for name, (outcomes, parameter) in _rankings(source).items():
            ranking = Ranking.of(outcomes)
            curve = ranking.risk_coverage
            curves.append(curve)
            rows.append(
                {
                    **_described(source, str(path)),
                    "ranking": name,
                    "parameter": parameter,
                    "n": outcomes.n,
                    "accuracy": float(outcomes.correct.mean()),
                    "auroc": ranking.auroc,
                    "aurc": ranking.aurc,
                    "e_aurc": ranking.e_aurc,
                    "risk": risk,
                    "coverage_at_risk": curve.coverage_at(risk),
                    "coverage": coverage,
                    "risk_at_coverage": curve.risk_at(coverage),
                }
            )
    return SelectivePrediction(pd.DataFrame(rows), tuple(curves), tuple(notes))


def contrasts(table: "pd.DataFrame") -> list[Contrast]:
    """What is asked of a table of `rank_runs`: nothing where there is no run with hard targets."""
    models = dict(zip(table["model"], table["smoothing"], strict=True))
    smoothed = [model for model, alpha in models.items() if alpha > 0]
    if "hard" not in models or table["setting"].nunique() > 1:
        return []
    asked = [("hard", P_NORM, "hard", SOFTMAX)]
    for model in smoothed:
        asked += [
            (model, SOFTMAX, "hard", SOFTMAX),
            (model, TEMPERATURE, model, SOFTMAX),
            (model, P_NORM, model, SOFTMAX),
            (model, P_NORM, "hard", SOFTMAX),
        ]
    return [
        Contrast(f"({a}, {by}) − ({b}, {than})", {"model": a, "ranking": by}, {"model": b, "ranking": than})
        for a, by, b, than in asked
    ]


def scores(table: "pd.DataFrame") -> list[Score]:
    """What the contrasts are measured by."""
    risk = 100 * float(table["risk"].iloc[0])
    return [Score("aurc", "AURC", 4), Score("coverage_at_risk", f"coverage at {risk:g} % risk", 3, True)]


def _rankings(source: Source) -> dict[str, tuple[Outcomes, float]]:
    """Outcomes of the test split by each way of ranking, and what was fitted for it."""
    fitted, norm = TemperatureScaling.fit(source.to_fit_on), MaxLogitPNorm.fit(source.to_fit_on)
    return {
        SOFTMAX: (source.test.outcomes, float("nan")),
        TEMPERATURE: (
            fitted.transform(source.test).outcomes,
            fitted.temperature if fitted.status == "ok" else float("nan"),
        ),
        P_NORM: (norm.rank(source.test), float("nan") if norm.p is None else norm.p),
    }


def _described(source: Source, path: str) -> dict[str, object]:
    """What tells a run from others: its setting without the seeds, its network in words, its smoothing and seeds."""
    given = source.test.provenance.get("config")
    if not isinstance(given, dict):
        unknown = {"setting": path, "network": source.name, "model": source.name, "smoothing": float("nan")}
        return {"run": path, **unknown, "seed": 0, "split_seed": 0}
    config = TrainConfig.from_dict(given)
    return {
        "run": path,
        "setting": replace(config, seed=0, split_seed=0, smoothing=0.0).key,
        "network": f"{config.arch} on {config.dataset}",
        "model": smoothing_name(config.smoothing),
        "smoothing": config.smoothing,
        "seed": config.seed,
        "split_seed": config.split_seed,
    }
