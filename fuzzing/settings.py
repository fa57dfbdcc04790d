"""Settings that people write: project.toml, its schedules, and the gate's rules as the pipeline hands them on."""

from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from fuzzing.parser import ROOT, Parser, text_of
from pipelines.steps.failure import StepError
from pipelines.steps.gate import rules
from sandbox.scheduler import expressions
from stacks.errors import SettingsError
from stacks.settings import load_projects
from stacks.settings.schedule import longest_pause

_PROJECTS = ROOT / "pipelines" / "projects"
_ROOT = TemporaryDirectory(prefix="fuzz-settings-")
_PROJECT = Path(_ROOT.name) / "pipelines" / "projects" / "flights"


def _project(data: bytes) -> None:
    if not _PROJECT.is_dir():
        _PROJECT.mkdir(parents=True)
        copyfile(_PROJECTS / "flights" / "contract.json", _PROJECT / "contract.json")
    (_PROJECT / "project.toml").write_bytes(data)
    try:
        assert len(load_projects(Path(_ROOT.name))) == 1
    except SettingsError as error:
        assert all("project.toml: " in line for line in str(error).splitlines()[:1])
        assert "Allowed: " in str(error)
        assert len(str(error)) < 100_000
        raise


def _schedule(data: bytes) -> None:
    """What the settings take, the sandbox's scheduler takes."""
    text = text_of(data)
    assert longest_pause(text).total_seconds() > 0
    expressions.parse(text)


def _rules(data: bytes) -> None:
    guards, _, slices = text_of(data).partition("|")
    found = rules.parse(
        task="regression",
        metric="rmse",
        direction="minimize",
        margin=0.01,
        alpha=0.01,
        min_improvement_over_naive=0.1,
        unit="day",
        min_clusters=7,
        guards=guards,
        slices=slices,
    )
    for guard in found.guards:
        assert 0 <= guard.max_worsening < float("inf")
    for one in found.slices:
        assert one.min_rows >= 0
        assert 0 <= one.max_worsening < float("inf")


PARSERS = (
    Parser(
        name="settings.project",
        reads="project.toml",
        modules=("stacks/settings/load.py", "stacks/settings/types.py"),
        run=_project,
        refusals=(SettingsError,),
        seeds=lambda: tuple((_PROJECTS / name / "project.toml").read_bytes() for name in ("flights", "late")),
        syntax="text",
        tokens=(
            *(
                "[gate]",
                "[training]",
                "[environments.dev]",
                "[[monitoring.features]]",
                "= true",
                "= []",
                "= {}",
                '= ""',
            ),
            *(
                "= 1e400",
                "= nan",
                "= -1",
                "2013-01-01",
                "'''",
                "0x",
                "schedule = ",
                "rate(1 day)",
                "metric",
                "a.b.c = 1",
            ),
        ),
        seconds=4,
        cases=120,
    ),
    Parser(
        name="settings.schedule",
        reads="schedule expressions of project.toml",
        modules=("stacks/settings/schedule.py",),
        run=_schedule,
        refusals=(ValueError,),
        seeds=lambda: (
            b"rate(1 day)",
            b"rate(15 minutes)",
            b"cron(0 6 * * ? *)",
            b"cron(0/15 6-8 1,15W ? JAN-MAR *)",
            b"cron(5 0 ? * MON#2 *)",
            b"cron(5 0 ? * 6L *)",
            b"cron(5 0 L * ? *)",
            b"cron(*/5 * 15W * ? *)",
        ),
        syntax="text",
        tokens=(
            "rate(",
            "cron(",
            ")",
            "*",
            "?",
            "L",
            "W",
            "#",
            "/",
            "-",
            ",",
            "SUN",
            "DEC",
            "0",
            "59",
            "60",
            "31",
            "hours",
        ),
        longest=200,
        cases=300,
    ),
    Parser(
        name="settings.gate-rules",
        reads="guards and slices as parameters of the training pipeline",
        modules=("pipelines/steps/gate/rules.py",),
        run=_rules,
        refusals=(StepError,),
        seeds=lambda: (b"mae:0.05|origin:500:0.1,carrier:100:0.2", b"none|none"),
        syntax="text",
        tokens=("none", ":", ",", "|", "mae", "rmse", "nan", "inf", "-1", "1e400", "origin"),
        longest=500,
        cases=300,
    ),
)
