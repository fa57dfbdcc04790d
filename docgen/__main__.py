"""`python -m docgen`: write the derived parts of docs/ again."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Annotated, Final, NoReturn

import typer
from pydantic import ValidationError

from docgen import costs, permissions
from docgen.permissions.grants import UnreadableGrantError
from docgen.permissions.reasons import UnexplainedError
from stacks.errors import ConfigurationError

ROOT: Final = Path(__file__).parents[1]
GENERATORS: Final[Mapping[str, ModuleType]] = {"costs": costs, "permissions": permissions}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def generate(
    names: Annotated[list[str] | None, typer.Argument(help=f"Which parts: {', '.join(GENERATORS)}.")] = None,
    *,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; tell what is stale.")] = False,
) -> None:
    """Write the monthly costs into docs/deploying.md, what each role may do and why into docs/security.md.

    Exit codes: 0 written or up to date, 1 stale (--check) or a grant without a reason, 2 wrong usage, data or settings.
    """
    for name in names or ():
        if name not in GENERATORS:
            raise typer.BadParameter(f"there is no part {name!r}; there are {', '.join(GENERATORS)}")
    stale = False
    for name in names or GENERATORS:
        generator = GENERATORS[name]
        page = ROOT / generator.PAGE
        try:
            text = generator.page(ROOT)
        except (UnexplainedError, UnreadableGrantError) as error:
            _end(str(error), 1)
        except ConfigurationError as error:
            _end(str(error), 2)
        except (ValidationError, tomllib.TOMLDecodeError) as error:
            _end(f"docs/{name}.toml: {error}", 2)
        if text == page.read_text("utf-8"):
            typer.echo(f"{generator.PAGE}: up to date")
        elif check:
            stale = True
            typer.echo(f"{generator.PAGE}: stale: run python -m docgen {name}", err=True)
        else:
            page.write_text(text, "utf-8")
            typer.echo(f"{generator.PAGE}: written")
    if stale:
        raise typer.Exit(1)


def _end(message: str, code: int) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    app()
