"""`python -m benchmarks.costs`: what the reference project costs in a month.

Quantities and prices stand in docs/costs.toml; their table goes into docs/deploying.md.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from benchmarks import documents

DATA: Final = documents.PAGE.with_name("costs.toml")
PAGE: Final = documents.PAGE.with_name("deploying.md")
PLACE: Final = "costs"

Scope = Literal["environment", "isolated", "tooling"]
_TITLES: Final[dict[Scope, str]] = {
    "environment": "Each environment",
    "tooling": "Tooling, once",
    "isolated": 'With `network = "isolated"`, in addition',
}


class Component(BaseModel):
    """One line of the bill; without a price nobody has read one from a source that tells its date."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    scope: Scope
    what: str
    quantity: Annotated[float, Field(gt=0)]
    how: str
    price: Annotated[float, Field(gt=0)] | None = None
    source: str = ""
    date: str = ""

    @property
    def cost(self) -> float | None:
        """USD in a month."""
        return None if self.price is None else round(self.quantity * self.price, 2)


class Costs(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str
    hours: int
    components: tuple[Component, ...]

    def of(self, scope: Scope) -> list[Component]:
        """The components of a scope."""
        return [each for each in self.components if each.scope == scope]


def load(path: Path = DATA) -> Costs:
    """Read quantities and prices."""
    return Costs.model_validate(tomllib.loads(path.read_text("utf-8")))


def total(components: Sequence[Component]) -> float:
    """Sum of what has a price."""
    return round(sum(each.cost or 0 for each in components), 2)


def tell(costs: Costs) -> str:
    """Return the tables and their sums as Markdown."""
    tables = [_table(title, costs.of(scope)) for scope, title in _TITLES.items()]
    environment, tooling = (total(costs.of(scope)) for scope in ("environment", "tooling"))
    three = (
        "Staging and production together with tooling, where a price is known: "
        f"2 x {environment:.2f} + {tooling:.2f} = **{2 * environment + tooling:.2f} USD** a month in {costs.region}."
    )
    return "\n\n".join([*tables, three])


def main() -> None:
    """Write the tables into the page."""
    PAGE.write_text(documents.insert(PAGE.read_text("utf-8"), PLACE, tell(load())), "utf-8")


def _table(title: str, components: Sequence[Component]) -> str:
    unknown = sum(each.cost is None for each in components)
    rows = [
        f"| {each.name} | {each.quantity:g} {each.what} ({each.how}) | {_price(each)} | {_amount(each.cost)} |"
        for each in components
    ]
    without = f", without {unknown} to look up" if unknown else ""
    return "\n".join(
        [
            f"| {title} | quantity | price in USD, source, its date | USD a month |",
            "|---|---|---|---|",
            *rows,
            f"| **Sum**{without} | | | **{total(components):.2f}** |",
        ]
    )


def _price(component: Component) -> str:
    if component.price is None:
        return "look up"
    return f"{component.price:.10f}".rstrip("0").rstrip(".") + f"; {component.source}, {component.date}"


def _amount(cost: float | None) -> str:
    return "look up" if cost is None else f"{cost:.2f}"


if __name__ == "__main__":
    main()
