import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from supply_chain.audit import FOUND, NOT_AUDITED, UNAUDITED, Answer, audit, demanded, npm_verdict, python_verdict

CLEAN: dict[str, Any] = {"dependencies": [{"name": "rich", "version": "14.0.0", "vulns": []}], "fixes": []}
VULNERABLE: dict[str, Any] = {
    "dependencies": [
        {"name": "jinja2", "version": "3.1.2", "vulns": [{"id": "PYSEC-2024-1", "fix_versions": ["3.1.3"]}]},
        {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-2025-2", "fix_versions": []}]},
    ]
}
SKIPPED: dict[str, Any] = {"dependencies": [{"name": "rich", "skip_reason": "could not be audited: rich (14.0.0)"}]}
NPM_CLEAN: dict[str, Any] = {"auditReportVersion": 2, "vulnerabilities": {}}
NPM_VULNERABLE: dict[str, Any] = {
    "vulnerabilities": {"aws-cdk": {"name": "aws-cdk", "severity": "high", "range": "<2.1000.0", "via": []}}
}
NPM_REFUSED: dict[str, Any] = {"message": "405 Method Not Allowed", "statusCode": 405}


def _answers(python: Any, npm: Any) -> Any:
    def run(command: Sequence[str]) -> Answer:
        return Answer(json.dumps(npm if command[0] == "npm" else python))

    return run


def _audit(python: Any, npm: Any, *, is_required: bool = False) -> int:
    return audit(_answers(python, npm), locks=[Path("requirements.txt")], is_required=is_required)


def test_locks_without_a_known_vulnerability_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert _audit(CLEAN, NPM_CLEAN, is_required=True) == 0
    assert capsys.readouterr().out.splitlines() == [
        "audit: requirements.txt: no known vulnerability",
        "audit: package-lock.json: no known vulnerability",
    ]


@pytest.mark.parametrize(("python", "npm"), [(VULNERABLE, NPM_CLEAN), (CLEAN, NPM_VULNERABLE), (VULNERABLE, {})])
def test_a_vulnerability_fails_whoever_knows_of_it(python: Any, npm: Any) -> None:
    assert _audit(python, npm) == FOUND


def test_a_vulnerability_is_named_with_the_version_that_mends_it() -> None:
    assert python_verdict(Answer(json.dumps(VULNERABLE))).found == (
        "jinja2 3.1.2: PYSEC-2024-1, fixed in 3.1.3",
        "old 1.0: PYSEC-2025-2, fixed in no version yet",
    )
    assert npm_verdict(Answer(json.dumps(NPM_VULNERABLE))).found == ("aws-cdk <2.1000.0: high",)


@pytest.mark.parametrize(("python", "npm"), [(SKIPPED, NPM_CLEAN), (CLEAN, NPM_REFUSED)])
def test_a_service_without_an_answer_is_said_and_fails_only_where_one_is_required(
    capsys: pytest.CaptureFixture[str], python: Any, npm: Any
) -> None:
    assert _audit(python, npm) == 0
    assert "NOT AUDITED, 1 without an answer" in capsys.readouterr().out
    assert _audit(python, npm, is_required=True) == NOT_AUDITED


def test_only_a_switch_that_is_said_aloud_takes_the_demand_for_an_answer_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert demanded({}, asked=True)
    assert not demanded({UNAUDITED: "1"}, asked=False)
    assert capsys.readouterr().out == ""
    assert not demanded({UNAUDITED: "1"}, asked=True)
    assert capsys.readouterr().out.startswith("audit: TANDEM_UNAUDITED is set: REQUIRED does not hold")


@pytest.mark.parametrize("verdict", [python_verdict, npm_verdict])
def test_a_program_that_prints_no_report_gave_no_answer(verdict: Any) -> None:
    assert verdict(Answer("", "warning\nERROR: no route to host\n")).unknown == ("ERROR: no route to host",)
    assert verdict(Answer("")).unknown == ("it printed no report and no reason",)
    assert verdict(Answer("[]")).found == ()
