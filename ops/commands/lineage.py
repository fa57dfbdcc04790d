"""`python -m ops lineage VERSION`."""

import json

import typer
from rich.console import Console
from rich.table import Table

from ops.commands.common import (
    JsonOption,
    VersionArgument,
)
from ops.commands.text import escape
from ops.lineage import Lineage, read_lineage
from ops.stage import Stage

_MOST_OBJECTS = 20


def lineage(
    stage: Stage,
    version: VersionArgument,
    *,
    as_json: JsonOption = False,
) -> None:
    """Where does a version come from: which data, code, parameters, image and run, why, and who decided what?

    Exit codes: 0 answered, 1 could not ask or no such version, 2 wrong usage.
    """
    answer = read_lineage(stage, version)
    if as_json:
        typer.echo(json.dumps(answer.as_json(), indent=2))
    else:
        Console(soft_wrap=True).print(_table(answer), highlight=False)


def _table(answer: Lineage) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    sections = {
        f"{answer.project} {answer.environment} version {answer.version}": _model(answer),
        "why": _why(answer),
        "data": _data(answer),
        "code": _code(answer),
        "parameters": _parameters(answer),
        "decision": _decision(answer),
        "deployments": _deployments(answer),
    }
    for title, rows in sections.items():
        table.add_row(f"[bold]{escape(title)}", "")
        for name, value in rows:
            table.add_row(f"  {escape(name)}", escape(value))
    return table


_Rows = list[tuple[str, str]]


def _model(answer: Lineage) -> _Rows:
    return [
        ("live", "yes" if answer.is_live else "no"),
        ("registered", f"{answer.registered_at:%Y-%m-%d %H:%M:%S %Z}, {answer.approval}"),
        ("package", answer.package_arn),
        ("archive", answer.model_uri),
        ("image", answer.image),
        ("image digest", answer.image_digest or "not recorded"),
    ]


def _why(answer: Lineage) -> _Rows:
    rows = [("reason", answer.reason), ("run", answer.run_id)]
    if run := answer.run:
        ended = f" to {run.ended_at:%H:%M:%S}" if run.ended_at else ""
        rows += [
            ("asked by", run.trigger),
            ("trained", f"{run.started_at:%Y-%m-%d %H:%M:%S}{ended} UTC, {run.status.value}"),
            ("execution", run.execution_arn or "not recorded"),
        ]
    return rows


def _data(answer: Lineage) -> _Rows:
    rows = [("snapshot", answer.record["snapshot_id"]), ("manifest", answer.record["snapshot_uri"])]
    if answer.snapshot is None:
        return [*rows, ("problem", answer.snapshot_problem or "unknown")]
    objects = answer.snapshot.objects
    rows.append(("objects", f"{len(objects)} in s3://{answer.snapshot.bucket}, {sum(o.size for o in objects):,} bytes"))
    rows += [(each.period, f"{each.key} version {each.version_id}") for each in objects[:_MOST_OBJECTS]]
    if len(objects) > _MOST_OBJECTS:
        rows.append(("…", f"and {len(objects) - _MOST_OBJECTS} more; --json shows all"))
    return rows


def _code(answer: Lineage) -> _Rows:
    names = ("code_version", "code_bundle", "definition_hash", "contract_version")
    rows = [(name.replace("_", " "), answer.record.get(name, "not recorded")) for name in names]
    return [*rows, *((f"library {name}", version) for name, version in answer.libraries.items())]


def _parameters(answer: Lineage) -> _Rows:
    settings = [(name.replace("_", " "), value) for name, value in answer.parameters.items()]
    return [*settings, *((f"hyperparameter {name}", value) for name, value in answer.hyperparameters.items())]


def _decision(answer: Lineage) -> _Rows:
    judged = answer.evaluation
    if judged is None:
        return [("evaluation", "lost: its report does not exist any more")]
    rows = [("gate", judged.gate_reason or "no reason given"), ("champion", answer.record.get("champion", "none"))]
    for name, value in judged.metrics.items():
        beside = [
            f"{who} {figures[name]:.6g}"
            for who, figures in (("champion", judged.champion_metrics), ("naive", judged.naive_metrics))
            if name in figures
        ]
        rows.append((f"hold-out {name}", ", ".join([f"{value:.6g}", *beside])))
    if judged.lower_bound is not None and judged.improvement is not None:
        rows.append(("improvement", f"{judged.improvement:+.2%}, lower bound {judged.lower_bound:+.2%}"))
    report = answer.run.report_uri if answer.run else None
    return [*rows, ("report", report or answer.record.get("report_uri", "not recorded"))]


def _deployments(answer: Lineage) -> _Rows:
    if not answer.deployments:
        return [("none", "it never served")]
    return [
        (f"{each.requested_at:%Y-%m-%d %H:%M:%S}", f"{each.status.value}: {each.endpoint_config}, {each.reason}")
        for each in answer.deployments
    ]
