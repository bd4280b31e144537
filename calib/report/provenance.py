"""The section on where the numbers come from: data by hash, code by version and commit, and how to make it again."""

from collections.abc import Mapping, Sequence

from calib.content_hash import content_hash
from calib.environment import commit, versions
from calib.predictions import Predictions
from calib.report.parts import Section, Table
from calib.report.subject import Subject


def provenance_section(
    subjects: Sequence[Subject],
    calibrations: Sequence[Predictions | None],
    *,
    command: str | None,
    date: str | None,
) -> Section:
    """Everything that decides the numbers, and nothing that does not: the same input gives the same bytes."""
    first = subjects[0].diagnosis
    made = [["made by", command or "calib.write_report"]]
    if date is not None:
        made.append(["dated", date])
    made += [
        ["calib", f"{versions()['calib']}, commit {commit()}"],
        ["on", ", ".join(f"{name} {version}" for name, version in versions().items() if name != "calib")],
        ["ECE", f"{first.uncalibrated.n_bins} bins of equal width, (a, b], unless said otherwise"],
        ["seed of all draws", str(first.seed)],
    ]
    text = (
        "Hashes are SHA-256 over the scores, labels and weights themselves, whatever file they came in "
        "(calib.content_hash). The same input, versions and command give the same file, byte for byte."
    )
    tables = [Table(["", ""], made)]
    for subject, calibration in zip(subjects, calibrations, strict=True):
        tables.append(_data(subject, calibration, named=len(subjects) > 1))
        if training := _training(subject.diagnosis.before.provenance):
            folded = f"How {subject.name} was trained" if len(subjects) > 1 else "How it was trained"
            tables.append(Table(["", ""], training, folded=folded))
    return Section("provenance", "Provenance", [text], tables=tables)


def _data(subject: Subject, calibration: Predictions | None, *, named: bool) -> Table:
    test = subject.diagnosis.before
    rows = [["source", subject.source or "predictions in memory"]]
    if calibration is not None and subject.calibration_source is not None:
        rows.append(["calibration source", subject.calibration_source])
    for name, split in (("test", test), ("calibration", calibration)):
        if split is None:
            continue
        scores = f"{split.kind} in {split.values.dtype}"
        rows.append([f"{name} data", f"n = {split.n:,}, {split.n_classes:,} classes, {scores}"])
        rows.append([f"{name} SHA-256", content_hash(split)])
    if (checkpoint := test.provenance.get("checkpoint_sha256")) is not None:
        rows.append(["checkpoint SHA-256", str(checkpoint)])
    return Table(["", ""], rows, caption=subject.name if named else "")


def _training(provenance: Mapping[str, object]) -> list[list[str]]:
    """What the predictions say of the training of their network, as far as they say anything."""
    rows = []
    for key in ("command", "config", "epochs", "versions", "fingerprint"):
        value = provenance.get(key)
        if isinstance(value, Mapping):
            rows.append([key, ", ".join(f"{name} {each}" for name, each in value.items() if each is not None)])
        elif value is not None:
            rows.append([key, str(value)])
    return rows
