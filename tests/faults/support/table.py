"""The ledger's table in memory, with DynamoDB's conditions, transactions and idempotency tokens.

AWS pages: "Condition and filter expressions, operators, and functions" (developer guide), "TransactWriteItems" (API
reference). ``test_the_world.py`` compares it with the embedded AWS.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from sagemaker_in_memory import Refused

Item = Mapping[str, Any]
Test = Callable[[Item, Mapping[str, Any]], bool]
_TOKEN = re.compile(r"\s*(attribute_not_exists|begins_with|AND|OR|IN|<>|=|<|[(),]|[:#]?\w+)")
_COMPARISONS = {"=": operator.eq, "<>": operator.ne, "<": operator.lt}


class Cancelled(Exception):  # noqa: N818 - becomes an error response
    """A transaction was not carried out; a reason for every part of it."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(", ".join(reasons))
        self.reasons = reasons


class Table:
    """One table with the key ``pk``, ``sk``."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self._tokens: set[str] = set()

    def get_item(self, request: dict[str, Any]) -> dict[str, Any]:
        found = self.items.get(_key(request["Key"]))
        return {"Item": found} if found else {}

    def put_item(self, request: dict[str, Any]) -> dict[str, Any]:
        if not self._allows(request):
            raise Refused("ConditionalCheckFailedException", "The conditional request failed")
        self.items[_key(request["Item"])] = request["Item"]
        return {}

    def transact_write_items(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["ClientRequestToken"] in self._tokens:
            return {}
        puts = [each["Put"] for each in request["TransactItems"]]
        if len({_key(put["Item"]) for put in puts}) != len(puts):
            raise Refused("ValidationException", "Transaction request cannot include multiple operations on one item")
        reasons = ["None" if self._allows(put) else "ConditionalCheckFailed" for put in puts]
        if any(reason != "None" for reason in reasons):
            raise Cancelled(reasons)
        for put in puts:
            self.items[_key(put["Item"])] = put["Item"]
        self._tokens.add(request["ClientRequestToken"])
        return {}

    def query(self, request: dict[str, Any]) -> dict[str, Any]:
        fits = _parse(request["KeyConditionExpression"], ())
        values = request["ExpressionAttributeValues"]
        found = [item for item in self.items.values() if fits(item, values)]
        found.sort(key=_key, reverse=not request.get("ScanIndexForward", True))
        return {"Items": found}

    def _allows(self, put: dict[str, Any]) -> bool:
        condition = put.get("ConditionExpression")
        if condition is None:
            return True
        test = _parse(condition, tuple(sorted(put.get("ExpressionAttributeNames", {}).items())))
        return test(self.items.get(_key(put["Item"]), {}), put.get("ExpressionAttributeValues", {}))


def _key(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


@lru_cache(maxsize=256)
def _parse(expression: str, names: tuple[tuple[str, str], ...]) -> Test:
    tokens = iter([*(found[1] for found in _TOKEN.finditer(expression)), ""])
    return _Parser(tokens, dict(names)).whole()


class _Parser:
    """Reads the part of the grammar that the ledger uses: OR over AND over comparisons and two functions."""

    def __init__(self, tokens: Iterator[str], names: Mapping[str, str]) -> None:
        self._tokens, self._names = tokens, names
        self._next = next(tokens)

    def whole(self) -> Test:
        test = self._any()
        assert not self._next, f"{self._next!r} is not understood"
        return test

    def _any(self) -> Test:
        parts = [self._every()]
        while self._next == "OR":
            self._take()
            parts.append(self._every())
        return lambda item, values: any(part(item, values) for part in parts)

    def _every(self) -> Test:
        parts = [self._one()]
        while self._next == "AND":
            self._take()
            parts.append(self._one())
        return lambda item, values: all(part(item, values) for part in parts)

    def _one(self) -> Test:
        first = self._take()
        if first == "attribute_not_exists":
            (name,) = self._listed()
            return lambda item, _: name not in item
        if first == "begins_with":
            name, value = self._listed()
            return lambda item, values: item.get(name, {"S": ""})["S"].startswith(values[value]["S"])
        name, relation = self._names.get(first, first), self._take()
        if relation == "IN":
            allowed = self._listed()
            return lambda item, values: any(item.get(name) == values[each] for each in allowed)
        compare, value = _COMPARISONS[relation], self._take()
        return lambda item, values: _compared(item.get(name), values[value], compare)

    def _listed(self) -> list[str]:
        assert self._take() == "("
        listed = []
        while (part := self._take()) != ")":
            if part != ",":
                listed.append(self._names.get(part, part))
        return listed

    def _take(self) -> str:
        taken, self._next = self._next, next(self._tokens, "")
        return taken


def _compared(attribute: Any, value: Any, compare: Callable[[Any, Any], bool]) -> bool:
    """Values of different types are different, and none is less than the other."""
    if attribute is None or attribute.keys() != value.keys():
        return compare is operator.ne
    ((kind, left),), right = attribute.items(), next(iter(value.values()))
    return bool(compare(float(left), float(right)) if kind == "N" else compare(left, right))
