"""What the reference project costs in a month: quantities and prices of docs/costs.toml as tables."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from docgen.insertion import insert

DATA: Final = "docs/costs.toml"
PAGE: Final = "docs/deploying.md"
PLACE: Final = "costs"

Scope = Literal["environment", "isolated", "tooling"]
_TITLES: Final[dict[Scope, str]] = {
    "environment": "Each environment",
    "tooling": "Tooling, once",
    "isolated": 'With `network = "isolated"`, in addition',
}


class Source(BaseModel):
    """Where prices were read.

    Attributes:
        what: the words of the link to it.
        address: of the very version that was read, where it has versions.
        date: what the source says of the age of its prices: a year and a month at least.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: Annotated[str, Field(min_length=1)]
    address: Annotated[str, Field(pattern=r"^https://[^\s)]+$")]
    date: Annotated[str, Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?$")]


class Component(BaseModel):
    """One line of the bill: a price (USD for one unit) with its source, or the reason why it has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    scope: Scope
    what: str
    quantity: Annotated[float, Field(gt=0)]
    how: str
    price: Annotated[float, Field(gt=0)] | None = None
    source: str | None = None
    unpriced: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _has_a_price_or_says_why_not(self) -> Self:
        priced = self.price is not None and self.source is not None
        if (self.price is None) != (self.source is None) or priced == (self.unpriced is not None):
            raise ValueError(
                f"{self.name}: price = {self.price}, source = {self.source!r}, unpriced = {self.unpriced!r}: give a "
                "price and its source, or say in unpriced why there is none"
            )
        return self

    @property
    def cost(self) -> float | None:
        """USD in a month."""
        return None if self.price is None else round(self.quantity * self.price, 2)


class Costs(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str
    hours: int
    sources: dict[str, Source]
    components: tuple[Component, ...]

    @model_validator(mode="after")
    def _names_its_sources(self) -> Self:
        named = {each.source for each in self.components if each.source is not None}
        for each in self.components:
            if each.source is not None and each.source not in self.sources:
                known = ", ".join(sorted(self.sources))
                raise ValueError(f"{each.name}: source = {each.source!r}: add it to [sources] or name one of {known}")
        if unused := sorted(set(self.sources) - named):
            raise ValueError(f"sources.{unused[0]}: no component names it: remove it")
        return self

    def of(self, scope: Scope) -> list[Component]:
        """The components of a scope."""
        return [each for each in self.components if each.scope == scope]


def load(path: Path) -> Costs:
    """Read quantities and prices.

    Raises:
        ValidationError: a component has neither a price with a dated source nor a reason, a source no address or date.
    """
    return Costs.model_validate(tomllib.loads(path.read_text("utf-8")))


def total(components: Sequence[Component]) -> float:
    """Sum of what has a price."""
    return round(sum(each.cost or 0 for each in components), 2)


def tell(costs: Costs) -> str:
    """Return the tables and their sums as Markdown."""
    tables = [_table(title, costs.of(scope), costs.sources) for scope, title in _TITLES.items()]
    environment, tooling = (total(costs.of(scope)) for scope in ("environment", "tooling"))
    three = (
        "Staging and production together with tooling, where a price is known: "
        f"2 x {environment:.2f} + {tooling:.2f} = **{2 * environment + tooling:.2f} USD** a month in {costs.region}."
    )
    addresses = "\n".join(f"[{each.what}]: {each.address}" for each in costs.sources.values())
    return "\n\n".join([*tables, three, addresses])


def page(root: Path) -> str:
    """Return the page with the tables of today's data.

    Raises:
        ValidationError: see `load`.
    """
    return insert((root / PAGE).read_text("utf-8"), PLACE, tell(load(root / DATA)))


def _table(title: str, components: Sequence[Component], sources: Mapping[str, Source]) -> str:
    unknown = sum(each.cost is None for each in components)
    rows = [
        f"| {each.name} | {each.quantity:g} {each.what} ({each.how}) | {_price(each, sources)} | {_amount(each.cost)} |"
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


def _price(component: Component, sources: Mapping[str, Source]) -> str:
    if component.price is None or component.source is None:
        return f"no price found: {component.unpriced}"
    source = sources[component.source]
    price = f"{component.price:.10f}".rstrip("0").rstrip(".")
    return f"{price}; [{source.what}], {source.date}"


def _amount(cost: float | None) -> str:
    return "look up" if cost is None else f"{cost:.2f}"
