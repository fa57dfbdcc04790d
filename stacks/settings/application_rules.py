"""Rules between the keys of the application: what a kind of authorization needs."""

from collections.abc import Callable, Iterator

from stacks.settings.messages import Problem, as_toml
from stacks.settings.resolved import Settings


def broken(settings: Settings, *, key: Callable[[str], str]) -> Iterator[Problem]:
    """Problems of the application; ``key`` tells where in the file a value of the section stands."""
    application = settings.application
    given = {"jwt_issuer": application.jwt_issuer, "jwt_audience": application.jwt_audience}
    for name, value in given.items():
        if application.authorization == "jwt" and not value:
            yield Problem(key(name), None, 'a value, because application.authorization is "jwt"', kind="missing")
        elif application.authorization == "iam" and value:
            yield Problem(
                key(name), as_toml(value), f'no value, or application.authorization = "jwt"; "iam" does not read {name}'
            )
    if application.burst < application.requests_per_second // 10:
        yield Problem(
            key("burst"),
            as_toml(application.burst),
            f"at least {application.requests_per_second // 10}, a tenth of application.requests_per_second",
        )
