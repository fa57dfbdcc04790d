"""What an `[application]` may say, so that API Gateway knows its callers and takes its limits."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stacks.settings import load_projects, select

FILE = "pipelines/projects/flights/project.toml"
IAM = 'authorization = "iam"  '
ISSUER = 'jwt_issuer = "https://login.example.com/"'
AUDIENCE = 'jwt_audience = ["flights"]'
SECRET = 'jwt_credentials_secret = "flights/smoke"'  # noqa: S105 - a name
KEY = "arn:aws:kms:eu-central-1:111111111111:key/11111111-2222-3333-4444-555555555555"
JWT = f'authorization = "jwt"\n{ISSUER}\n{AUDIENCE}\n'
CASES = {
    "an unknown authorization": (
        IAM,
        'authorization = "none"',
        'application.authorization: not allowed (given: "none"). Allowed: one of "iam", "jwt".',
    ),
    "tokens of nobody": (
        IAM,
        f'authorization = "jwt"\n{AUDIENCE}',
        'application.jwt_issuer: missing. Allowed: a value, because application.authorization is "jwt".',
    ),
    "tokens for nobody": (
        IAM,
        f'authorization = "jwt"\n{ISSUER}',
        'application.jwt_audience: missing. Allowed: a value, because application.authorization is "jwt".',
    ),
    "an issuer that nothing reads": (
        IAM,
        f"{IAM}\n{ISSUER}",
        (
            'application.jwt_issuer: not allowed (given: "https://login.example.com/"). Allowed: no value, or '
            'application.authorization = "jwt"; "iam" does not read jwt_issuer.'
        ),
    ),
    "an audience that nothing reads": (
        IAM,
        f"{IAM}\n{AUDIENCE}",
        (
            'application.jwt_audience: not allowed (given: ["flights"]). Allowed: no value, or '
            'application.authorization = "jwt"; "iam" does not read jwt_audience.'
        ),
    ),
    "a delivery that could not try the application": (
        IAM,
        JWT,
        (
            "application.jwt_credentials_secret: missing. Allowed: the name of a secret with OAuth 2.0 client "
            "credentials, because [delivery] goes to production and its smoke test needs a token (docs/delivery.md, "
            '"Tokens").'
        ),
    ),
    "a secret that nothing reads": (
        IAM,
        f"{IAM}\n{SECRET}",
        (
            'application.jwt_credentials_secret: not allowed (given: "flights/smoke"). Allowed: no value, or '
            'application.authorization = "jwt"; "iam" does not read jwt_credentials_secret.'
        ),
    ),
    "an ARN in the place of a name": (
        IAM,
        JWT + 'jwt_credentials_secret = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:smoke-a1b2c3"',
        (
            "application.jwt_credentials_secret: not allowed (given: "
            '"arn:aws:secretsmanager:eu-central-1:111111111111:secret:smoke-a1b2c3"). Allowed: the name of a secret in '
            "AWS Secrets Manager (not its ARN): letters, digits and /_+=.@-, no hyphen in front."
        ),
    ),
    "an alias in the place of a key": (
        IAM,
        JWT + SECRET + '\njwt_credentials_key = "alias/smoke"',
        (
            'application.jwt_credentials_key: not allowed (given: "alias/smoke"). Allowed: the ARN of a KMS key, '
            '"arn:aws:kms:<region>:<account>:key/<id>"; no alias, which no policy can name.'
        ),
    ),
    "a burst below the steady rate": (
        "burst = 1000",
        "burst = 49",
        (
            "application.burst: not allowed (given: 49). Allowed: at least 50, a tenth of "
            "application.requests_per_second."
        ),
    ),
    "an issuer without TLS": (
        IAM,
        f'authorization = "jwt"\njwt_issuer = "http://login.example.com"\n{AUDIENCE}',
        (
            'application.jwt_issuer: not allowed (given: "http://login.example.com"). Allowed: the https address of an '
            'OpenID Connect issuer, as its tokens name it in "iss".'
        ),
    ),
    "an unknown rollout": (
        'rollout = "canary"  ',
        'rollout = "rolling"',
        'application.rollout: not allowed (given: "rolling"). Allowed: one of "canary", "linear", "all_at_once".',
    ),
    "more records than a request may hold": (
        "max_records = 100 ",
        "max_records = 1001",
        "application.max_records: not allowed (given: 1001). Allowed: a whole number, at least 1 and at most 1000.",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_named_with_its_value_and_the_fix(refusal: Callable[..., str], shipped: str, name: str) -> None:
    old, new, message = CASES[name]
    assert shipped.count(old) == 1
    assert f"{FILE}: {message}" in refusal(shipped.replace(old, new)).splitlines()


def test_a_mistake_of_one_environment_names_its_own_key(refusal: Callable[..., str], shipped: str) -> None:
    assert refusal(shipped + "\n[environments.production.application]\nburst = 49\n") == (
        f"{FILE}: environments.production.application.burst: not allowed (given: 49). Allowed: at least 50, a tenth of "
        "application.requests_per_second."
    )


def test_an_environment_may_ask_for_tokens_where_the_others_ask_for_signatures(
    write_project: Callable[..., Path], shipped: str
) -> None:
    text = shipped + f'\n[environments.production.application]\nauthorization = "jwt"\n{ISSUER}\n{AUDIENCE}\n{SECRET}\n'
    projects = load_projects(write_project(text))
    found = {one.deployment.environment: one.application for one in select(projects, project=None, environment=None)}
    assert found["production"].authorization == "jwt"
    assert found["production"].jwt_audience == ["flights"]
    assert found["staging"].authorization == "iam"


def test_an_environment_that_nothing_delivers_to_needs_no_secret(
    write_project: Callable[..., Path], shipped: str
) -> None:
    projects = load_projects(write_project(f"{shipped}\n[environments.year.application]\n{JWT}"))
    (year,) = select(projects, project=None, environment="year")

    assert (year.application.authorization, year.application.jwt_credentials_secret) == ("jwt", None)


def test_a_key_is_the_key_of_a_secret(refusal: Callable[..., str], shipped: str) -> None:
    alone = f'{shipped}\n[environments.year.application]\n{JWT}jwt_credentials_key = "{KEY}"\n'
    assert refusal(alone) == (
        f'{FILE}: environments.year.application.jwt_credentials_key: not allowed (given: "{KEY}"). Allowed: no value '
        "without jwt_credentials_secret, whose key it is."
    )
