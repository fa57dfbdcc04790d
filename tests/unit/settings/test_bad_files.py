from collections.abc import Callable
from dataclasses import dataclass

import pytest

FILE = "pipelines/projects/flights/project.toml"


INSTANCE_TYPE = (
    'an x86 SageMaker instance type without local storage such as "ml.m5.large" (the image is not built for Arm, and '
    "the project's key cannot encrypt the local storage of families such as m5d, g5 or p4d)"
)


@dataclass(frozen=True)
class Case:
    """One mistake: `old` of the shipped file becomes `new`; the message must be exactly `message`."""

    name: str
    old: str
    new: str
    message: str


CASES = (
    Case(
        "unknown key",
        "alpha = 0.01",
        "alpah = 0.01",
        "gate.alpah: unknown key (given: 0.01). Allowed: metric, direction, margin, alpha, min_improvement_over_naive, "
        'cluster, min_clusters, guards, slices. Did you mean "alpha"?',
    ),
    Case(
        "unknown table",
        "[serving]",
        "[severing]",
        "severing: unknown key (given: a table). Allowed: project, data, training, gate, retraining, serving, rollout, "
        'monitoring, application, delivery, environments. Did you mean "serving"?',
    ),
    Case(
        "unknown key in an environment",
        "settle_seconds = 2",
        "colour = 2",
        "environments.sandbox.retraining.colour: unknown key (given: 2). Allowed: approval, new_data, "
        "settle_seconds, cooldown_minutes, max_runs_per_day.",
    ),
    Case(
        "text instead of a number",
        "max_objects = 10000",
        'max_objects = "10000"',
        'data.max_objects: not allowed (given: "10000"). Allowed: a whole number, at least 1 and at most 100000.',
    ),
    Case(
        "fraction instead of a whole number",
        "holdout_days = 14",
        "holdout_days = 1.5",
        "data.holdout_days: not allowed (given: 1.5). Allowed: a whole number, at least 2 and at most 366.",
    ),
    Case(
        "boolean instead of a number",
        "seed = 2013",
        "seed = true",
        "training.seed: not allowed (given: true). Allowed: a whole number, at least 0 and at most 2147483647.",
    ),
    Case(
        "text instead of a boolean",
        "retain = true",
        'retain = "yes"',
        'environments.production.retain: not allowed (given: "yes"). Allowed: true or false.',
    ),
    Case(
        "number out of bounds",
        "alpha = 0.01",
        "alpha = 0.9",
        "gate.alpha: not allowed (given: 0.9). Allowed: a number, greater than 0 and at most 0.5.",
    ),
    Case(
        "infinite number",
        "margin = 0.01",
        "margin = inf",
        "gate.margin: not allowed (given: Infinity). Allowed: a number, at least 0 and less than 1.",
    ),
    Case(
        "longer than SQS can delay",
        "settle_seconds = 60",
        "settle_seconds = 901",
        "retraining.settle_seconds: not allowed (given: 901). Allowed: a whole number, at least 0 and at most 900.",
    ),
    Case(
        "out of bounds in an environment",
        "settle_seconds = 2\ncooldown_minutes = 0\n",
        "settle_seconds = 2\ncooldown_minutes = -1\n",
        "environments.sandbox.retraining.cooldown_minutes: not allowed (given: -1). "
        "Allowed: a whole number, at least 0 and at most 10080.",
    ),
    Case(
        "word outside the choice",
        'approval = "automatic"',
        'approval = "auto"',
        'retraining.approval: not allowed (given: "auto"). Allowed: one of "automatic", "manual".',
    ),
    Case(
        "unknown task",
        'task = "regression"',
        'task = "clustering"',
        'project.task: not allowed (given: "clustering"). Allowed: one of "regression", "binary_classification".',
    ),
    Case(
        "project name that AWS or Python refuses",
        'name = "flights"',
        'name = "Flights_NYC"',
        'project.name: not allowed (given: "Flights_NYC"). '
        "Allowed: 2 to 24 lower-case letters and digits, starting with a letter.",
    ),
    Case(
        "project name that leaves no room for versions in 63 characters",
        'name = "flights"',
        f'name = "{"f" * 25}"',
        f'project.name: not allowed (given: "{"f" * 25}"). '
        "Allowed: 2 to 24 lower-case letters and digits, starting with a letter.",
    ),
    Case(
        "project name that is not its folder's",
        'name = "flights"',
        'name = "trains"',
        'project.name: not allowed (given: "trains"). Allowed: the name of its folder, "flights".',
    ),
    Case(
        "environment name",
        "[environments.production]",
        "[environments.Production]",
        'environments.Production: bad name (given: "Production"). '
        "Allowed: 2 to 16 lower-case letters, digits and single hyphens, starting with a letter.",
    ),
    Case(
        "column name",
        'target = "air_time"',
        'target = "air time"',
        'project.target: not allowed (given: "air time"). '
        "Allowed: a column name of letters, digits and underscores, at most 128 characters.",
    ),
    Case(
        "prefix that is no folder",
        'prefix = "data/"',
        'prefix = "/data"',
        'data.prefix: not allowed (given: "/data"). '
        'Allowed: an S3 key prefix that ends with "/" and does not start with it, at most 200 characters.',
    ),
    Case(
        "misspelt instance size",
        'instance_type = "ml.m5.large"',
        'instance_type = "ml.m5.lagre"',
        f'serving.instance_type: not allowed (given: "ml.m5.lagre"). Allowed: {INSTANCE_TYPE}.',
    ),
    Case(
        "Arm instance for an x86 image",
        'instance_type = "ml.m5.xlarge"',
        'instance_type = "ml.m6gd.xlarge"',
        f'training.instance_type: not allowed (given: "ml.m6gd.xlarge"). Allowed: {INSTANCE_TYPE}.',
    ),
    Case(
        "endpoint on local storage, which takes no key",
        'instance_type = "ml.m5.large"',
        'instance_type = "ml.g5.xlarge"',
        f'serving.instance_type: not allowed (given: "ml.g5.xlarge"). Allowed: {INSTANCE_TYPE}.',
    ),
    Case(
        "jobs on local storage, which takes no key",
        'instance_type = "ml.m5.xlarge"',
        'instance_type = "ml.r5d.xlarge"',
        f'training.instance_type: not allowed (given: "ml.r5d.xlarge"). Allowed: {INSTANCE_TYPE}.',
    ),
    Case(
        "e-mail address",
        "ml-team@example.com",
        "ml-team",
        'environments.production.notify.0: not allowed (given: "ml-team"). '
        'Allowed: an e-mail address such as "ml-team@example.com".',
    ),
    Case(
        "hyperparameter that is no scalar",
        "rounds = 300",
        "rounds = [300]",
        "training.hyperparameters.rounds: not allowed (given: [300]). "
        "Allowed: a number, a boolean or a text of at most 256 characters.",
    ),
    Case(
        "hyperparameter name",
        "rounds = 300",
        '"n rounds" = 300',
        'training.hyperparameters."n rounds": bad name (given: "n rounds"). '
        "Allowed: letters, digits and underscores, starting with a letter, at most 64 characters.",
    ),
    Case(
        "hyperparameter that only one environment has",
        "[environments.production]",
        "[environments.production.training.hyperparameters]\nround = 3\n[environments.production]",
        "environments.production.training.hyperparameters.round: unknown key (given: 3). "
        'Allowed: rounds, max_depth, learning_rate. Did you mean "rounds"?',
    ),
    Case(
        "missing key",
        'metric = "rmse"\n',
        "",
        'gate.metric: missing. Allowed: one of "rmse", "mae", "auc", "log_loss".',
    ),
    Case(
        "missing environments",
        "environments.",
        "project.environments.",
        "project.environments: unknown key (given: a table). "
        "Allowed: name, description, task, target, time_column.\n"
        f"{FILE}: environments: missing. Allowed: at least one table such as [environments.production].",
    ),
    Case(
        "account without region",
        "[environments.year] ",
        '[environments.year]\naccount = "111122223333"',
        "environments.year.region: missing. Allowed: a region, because account is set.",
    ),
    Case(
        "account as a number",
        "retain = true",
        'retain = true\naccount = 111122223333\nregion = "eu-central-1"',
        "environments.production.account: not allowed (given: 111122223333). "
        "Allowed: an AWS account id: 12 digits in quotes.",
    ),
    Case(
        "metric of another task",
        'metric = "rmse"',
        'metric = "auc"',
        'gate.metric: not allowed (given: "auc"). Allowed: a metric of the task "regression": "rmse", "mae".',
    ),
    Case(
        "wrong direction of the metric",
        'direction = "minimize"',
        'direction = "maximize"',
        'gate.direction: not allowed (given: "maximize"). Allowed: "minimize", the better way of the metric "rmse".',
    ),
    Case(
        "target that splits the data",
        'target = "air_time"',
        'target = "time_hour"',
        'project.target: not allowed (given: "time_hour"). '
        "Allowed: a column other than project.time_column, which splits the data.",
    ),
    Case(
        "fewer objects than periods",
        "max_objects = 10000",
        "max_objects = 5",
        "data.max_objects: not allowed (given: 5). "
        "Allowed: at least data.window_periods (12), because every period has an object.",
    ),
    Case(
        "more clusters than the hold-out has days",
        "min_clusters = 7",
        "min_clusters = 15",
        "gate.min_clusters: not allowed (given: 15). Allowed: at most 14, the days that data.holdout_days (14) holds; "
        "hold out more days or allow fewer clusters.",
    ),
    Case(
        "weeks in a hold-out of days",
        'cluster = "day"',
        'cluster = "week"',
        "gate.min_clusters: not allowed (given: 7). Allowed: at most 2, the weeks that data.holdout_days (14) holds; "
        "hold out more days or allow fewer clusters.",
    ),
    Case(
        "unknown cluster",
        'cluster = "day"',
        'cluster = "month"',
        'gate.cluster: not allowed (given: "month"). Allowed: one of "hour", "day", "week".',
    ),
    Case(
        "the primary metric as its own guard",
        'metric = "mae"',
        'metric = "rmse"',
        'gate.guards.0.metric: not allowed (given: "rmse"). Allowed: once each, a metric of the task beside '
        'gate.metric: "mae".',
    ),
    Case(
        "guard of another task",
        'metric = "mae"',
        'metric = "auc"',
        'gate.guards.0.metric: not allowed (given: "auc"). Allowed: once each, a metric of the task beside '
        'gate.metric: "mae".',
    ),
    Case(
        "slice of a column that requests do not have",
        'column = "origin"',
        'column = "orgin"',
        'gate.slices.0.column: not allowed (given: "orgin"). Allowed: a text, a boolean or a whole number among the '
        "inputs of contract.json: sched_dep_time, origin, dest, carrier, distance, plane_year, seats. "
        'Did you mean "origin"?',
    ),
    Case(
        "slice without a size",
        "min_rows = 500\n",
        "",
        "gate.slices.0.min_rows: missing. Allowed: a whole number, at least 30 and at most 1000000.",
    ),
    Case(
        "worsening above all",
        "max_worsening = 0.05",
        "max_worsening = 1.0",
        "gate.slices.0.max_worsening: not allowed (given: 1.0). Allowed: a number, at least 0 and less than 1.",
    ),
    Case(
        "reserved tag",
        "retain = true",
        'retain = true\ntags = { "aws:team" = "ml" }',
        'environments.production.tags."aws:team": not allowed (given: "aws:team"). '
        'Allowed: a tag key that does not start with "aws:".',
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_file_gives_one_message_with_file_key_value_and_what_is_allowed(
    case: Case, shipped: str, refusal: Callable[..., str]
) -> None:
    assert case.old in shipped
    assert refusal(shipped.replace(case.old, case.new)) == f"{FILE}: {case.message}"


def test_a_syntax_error_names_line_and_column(shipped: str, refusal: Callable[..., str]) -> None:
    line = shipped.splitlines().index('metric = "rmse"') + 1
    message = refusal(shipped.replace('metric = "rmse"', "metric = rmse"))

    assert message.startswith(f"{FILE}: TOML syntax error: ")
    assert f"(at line {line}, column 10)" in message
    assert message.endswith("Allowed: TOML 1.0.")


def test_a_file_in_another_encoding_is_refused_with_the_byte(shipped: str, refusal: Callable[..., str]) -> None:
    message = refusal(shipped.replace("Minutes", "Minütes").encode("latin-1"))

    assert message.startswith(f"{FILE}: not a text file (given: byte 0xfc at offset ")
    assert message.endswith("Allowed: TOML 1.0 in UTF-8.")


def test_every_problem_of_a_file_is_named_on_its_own_line(shipped: str, refusal: Callable[..., str]) -> None:
    lines = refusal(shipped.replace("alpha = 0.01", "alpha = 2").replace("seed = 2013", "seed = -1")).splitlines()

    assert [line.split(" (")[0] for line in lines] == [
        f"{FILE}: training.seed: not allowed",
        f"{FILE}: gate.alpha: not allowed",
    ]


def test_an_unknown_region_is_refused_with_the_known_ones(shipped: str, refusal: Callable[..., str]) -> None:
    message = refusal(
        shipped.replace("[environments.year] ", '[environments.year]\naccount = "111122223333"\nregion = "eu-centrl-1"')
    )

    assert message.startswith(f'{FILE}: environments.year.region: not allowed (given: "eu-centrl-1"). Allowed: ')
    assert "us-east-1" in message
    assert message.endswith('Did you mean "eu-central-1"?')


def test_slices_that_do_not_fit_into_one_argument_of_a_job_are_refused(
    shipped: str, refusal: Callable[..., str]
) -> None:
    columns = ["sched_dep_time", "dest", "carrier", "distance", "plane_year", "seats"]
    more = "".join(
        f'[[gate.slices]]\ncolumn = "{name}"\nmin_rows = 1000000\nmax_worsening = 1.{"1" * 30}e-100\n'
        for name in columns
    )
    message = refusal(shipped.replace("[retraining]", f"{more}\n[retraining]"))

    assert message.startswith(f"{FILE}: gate.slices: not allowed (given: 7 entries). Allowed: fewer entries or shorter")


def test_a_rule_names_the_environment_that_breaks_it(shipped: str, refusal: Callable[..., str]) -> None:
    text = shipped + '\n[environments.production.gate]\nmetric = "log_loss"\n'

    assert refusal(text) == (
        f'{FILE}: environments.production.gate.metric: not allowed (given: "log_loss"). '
        'Allowed: a metric of the task "regression": "rmse", "mae".'
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "the contract is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"[]", "contract: name is None, it must be of type str"),
        (b'{"name": "flights", "version": "1"}', "contract: inputs is None, it must be of type list"),
        (b"\xfc", "not a text file: "),
    ],
)
@pytest.mark.parametrize("name", ["contract.json", "application.contract.json"])
def test_a_contract_that_is_none_is_refused_by_its_name(
    name: str, content: bytes, message: str, shipped: str, refusal: Callable[..., str]
) -> None:
    said = refusal(shipped, beside={name: content})

    assert said.startswith(f"pipelines/projects/flights/{name}: {message}")
