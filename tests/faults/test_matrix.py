"""All 46 cases are accounted for: by a test in this folder whose id begins with the number, or by a test elsewhere."""

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ID = re.compile(r"(\d\d)-[a-z0-9]")

# cases that have their proof elsewhere, and why not (or not only) here
ELSEWHERE: dict[int, tuple[str, str]] = {
    31: (
        "tests/datasets/test_download.py::test_members_that_are_not_expected_never_reach_the_disk",
        "needs the server of those tests",
    ),
    33: (
        "tests/test_runs_killed.py::test_after_any_number_of_kill_9_the_weights_are_those_of_an_uninterrupted_run",
        "part of what a run promises; SIGTERM and SIGINT are in tests/cli/test_commands.py",
    ),
    39: (
        "tests/report/test_page.py::test_nothing_outside_is_asked_for",
        "the policy of the report is one of its own tests, names that are code another",
    ),
    44: (
        "tests/training/test_ranks.py::test_a_lost_rank_ends_the_others_with_two_lines",
        "needs the process groups of those tests",
    ),
    45: (
        "tests/integrations/test_dask.py::test_a_killed_worker_loses_nothing_and_nothing_is_counted_twice",
        "needs the workers of those tests; a lost scheduler is tested there too",
    ),
}
# cases that calib does not have
NOT_OURS = {
    41: "calib reads batches in its own process; loaders with workers are the caller's, with torch's own time limit",
}


def ids_here() -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for file in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and ID.match(node.value):
                found.setdefault(int(node.value[:2]), set()).add(file.name)
    return found


def test_every_case_of_the_list_is_tested_or_has_its_reason() -> None:
    here = ids_here()
    assert here.keys() | ELSEWHERE.keys() | NOT_OURS.keys() == set(range(1, 47))
    assert not here.keys() & NOT_OURS.keys()


@pytest.mark.parametrize("case", ELSEWHERE)
def test_the_proof_elsewhere_exists(case: int) -> None:
    file, _, name = ELSEWHERE[case][0].partition("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


def test_the_table_names_the_file_of_every_case() -> None:
    rows = dict(re.findall(r"^\| (\d+) \|(.*)$", (HERE / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert rows.keys() == {str(case) for case in range(1, 47)}
    elsewhere = {case: {proof.partition("::")[0]} for case, (proof, _) in ELSEWHERE.items()}
    for case, files in {**elsewhere, **ids_here()}.items():
        for name in files:
            assert name in rows[str(case)], (case, name)
