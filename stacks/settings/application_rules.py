"""Rules between the keys of the application: what a kind of authorization needs."""

from collections.abc import Callable, Iterator

from stacks.settings.messages import Problem, as_toml
from stacks.settings.resolved import Settings


def broken(settings: Settings, *, key: Callable[[str], str]) -> Iterator[Problem]:
    """Problems of the application; ``key`` tells where in the file a value of the section stands."""
    application = settings.application
    needed = {"jwt_issuer": application.jwt_issuer, "jwt_audience": application.jwt_audience}
    optional = {
        "jwt_credentials_secret": application.jwt_credentials_secret,
        "jwt_credentials_key": application.jwt_credentials_key,
    }
    if application.authorization == "jwt":
        for name, value in needed.items():
            if not value:
                yield Problem(key(name), None, 'a value, because application.authorization is "jwt"', kind="missing")
        yield from _credentials(settings, key)
    else:
        for name, value in (needed | optional).items():
            if value:
                yield Problem(
                    key(name),
                    as_toml(value),
                    f'no value, or application.authorization = "jwt"; "iam" does not read {name}',
                )
    if application.burst < application.requests_per_second // 10:
        yield Problem(
            key("burst"),
            as_toml(application.burst),
            f"at least {application.requests_per_second // 10}, a tenth of application.requests_per_second",
        )


def _credentials(settings: Settings, key: Callable[[str], str]) -> Iterator[Problem]:
    """A smoke test without a token would try nothing, so nothing would take a broken application back."""
    application = settings.application
    if application.jwt_credentials_secret is not None:
        return
    if settings.deployment.is_delivered:
        yield Problem(
            key("jwt_credentials_secret"),
            None,
            "the name of a secret with OAuth 2.0 client credentials, because [delivery] goes to "
            f'{settings.deployment.environment} and its smoke test needs a token (docs/delivery.md, "Tokens")',
            kind="missing",
        )
    elif application.jwt_credentials_key is not None:
        yield Problem(
            key("jwt_credentials_key"),
            as_toml(application.jwt_credentials_key),
            "no value without jwt_credentials_secret, whose key it is",
        )
