"""What a `[delivery]` may say, so that CodePipeline finds the code and the environments."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stacks.settings import load_projects, select

FILE = "pipelines/projects/flights/project.toml"
SOURCE = 'source = "codecommit"  '
CONNECTION = "arn:aws:codeconnections:us-east-1:111122223333:connection/11111111-2222-3333-4444-555555555555"
KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
PLACE = 'account = "111122223333"\nregion = "eu-central-1"'
CASES = {
    "an unknown source": (
        SOURCE,
        'source = "github"',
        'delivery.source: not allowed (given: "github"). Allowed: one of "connection", "codecommit", "s3".',
    ),
    "a connection without its ARN": (
        SOURCE,
        'source = "connection"',
        'delivery.connection_arn: missing. Allowed: a value, because delivery.source is "connection".',
    ),
    "a connection without an owner": (
        SOURCE,
        f'source = "connection"\nconnection_arn = "{CONNECTION}"',
        (
            'delivery.repository: not allowed (given: "tandem"). Allowed: "owner/name", because delivery.source is '
            '"connection".'
        ),
    ),
    "a bucket without a key": (
        SOURCE,
        'source = "s3"',
        'delivery.object_key: missing. Allowed: a value, because delivery.source is "s3".',
    ),
    "a key that nothing reads": (
        SOURCE,
        'source = "codecommit"\nobject_key = "code.zip"',
        (
            'delivery.object_key: not allowed (given: "code.zip"). Allowed: no value, because delivery.source is '
            '"codecommit".'
        ),
    ),
    "a key of a bucket that is none": (
        SOURCE,
        f'source = "codecommit"\nkey_arn = "{KEY}"',
        (
            f'delivery.key_arn: not allowed (given: "{KEY}"). Allowed: no value, because delivery.source is '
            '"codecommit".'
        ),
    ),
    "an alias, which no policy can name": (
        SOURCE,
        'source = "s3"\nobject_key = "code.zip"\nkey_arn = "alias/code"',
        (
            'delivery.key_arn: not allowed (given: "alias/code"). Allowed: the ARN of a KMS key, '
            '"arn:aws:kms:<region>:<account>:key/<id>"; no alias, which no policy can name.'
        ),
    ),
    "an unknown environment": (
        'staging = "staging"',
        'staging = "stagin"',
        (
            'delivery.staging: not allowed (given: "stagin"). Allowed: one of the environments: sandbox, staging, '
            'production, year. Did you mean "staging"?'
        ),
    ),
    "nothing tried first": (
        'staging = "staging"',
        'staging = "production"',
        (
            'delivery.production: not allowed (given: "production"). Allowed: another environment than '
            "delivery.staging, which is tried first."
        ),
    ),
    "an account without a region": (
        SOURCE,
        f'{SOURCE}\naccount = "111122223333"',
        'delivery.region: missing. Allowed: a value, because "111122223333" says where it is.',
    ),
    "a region without an account": (
        SOURCE,
        f'{SOURCE}\nregion = "eu-central-1"',
        'delivery.account: missing. Allowed: a value, because "eu-central-1" says where it is.',
    ),
    "an environment in an unknown account": (
        SOURCE,
        f"{SOURCE}\n{PLACE}",
        (
            "environments.staging.account: missing. Allowed: an account id, because delivery has one: a pipeline that "
            "leaves its account knows all of them."
        ),
    ),
    "a pipeline in an unknown account": (
        "[environments.production]",
        f"[environments.production]\n{PLACE}",
        (
            "delivery.account: missing. Allowed: an account id, because environments.production has one: a pipeline "
            "that leaves its account knows all of them."
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_named_with_its_value_and_the_fix(refusal: Callable[..., str], shipped: str, name: str) -> None:
    old, new, message = CASES[name]
    assert shipped.count(old) == 1
    assert f"{FILE}: {message}" in refusal(shipped.replace(old, new)).splitlines()


@pytest.mark.parametrize(
    ("source", "repository"),
    [
        (f'source = "connection"\nconnection_arn = "{CONNECTION}"', "team/tandem"),
        ('source = "codecommit"', "tandem"),
        ('source = "s3"\nobject_key = "code.zip"', "the-code"),
        (f'source = "s3"\nobject_key = "code.zip"\nkey_arn = "{KEY}"', "the-code"),
    ],
)
def test_every_source_can_be_said(
    write_project: Callable[..., Path], shipped: str, source: str, repository: str
) -> None:
    text = shipped.replace(SOURCE, source).replace('repository = "tandem"', f'repository = "{repository}"')
    (project,) = load_projects(write_project(text))
    assert project.delivery is not None
    assert project.delivery.repository == repository


def test_three_accounts_that_are_all_known_are_accepted(write_project: Callable[..., Path], shipped: str) -> None:
    text = shipped.replace(SOURCE, f"{SOURCE}\n{PLACE}")
    for number, name in ((2, "staging"), (3, "production")):
        place = f'account = "{number}11122223333"\nregion = "eu-west-1"'
        text = text.replace(f"[environments.{name}]", f"[environments.{name}]\n{place}")
    (production,) = select(load_projects(write_project(text)), project=None, environment="production")
    assert (production.deployment.account, production.deployment.delivery_account) == ("311122223333", "111122223333")


def test_only_the_two_environments_of_the_pipelines_are_delivered(
    write_project: Callable[..., Path], shipped: str
) -> None:
    (project,) = load_projects(write_project(shipped))
    delivered = [one.deployment.environment for one in project.environments if one.deployment.is_delivered]
    assert delivered == ["staging", "production"]


def test_a_project_needs_no_delivery(write_project: Callable[..., Path], shipped: str) -> None:
    before, _, rest = shipped.partition("[delivery]")
    (project,) = load_projects(write_project(before + rest[rest.index("[environments.sandbox]") :]))
    assert project.delivery is None
    assert not any(one.deployment.is_delivered for one in project.environments)
