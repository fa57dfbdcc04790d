"""Where the records of one kind of resource live."""

import threading
from dataclasses import replace
from typing import Any, Generic, TypeVar

Record = TypeVar("Record")


class Table(Generic[Record]):
    """Frozen records by name, in the order of their creation; every method is atomic.

    `lock` makes several calls one step; it is re-entrant. With `any_case`, names that differ in their case only are
    the same name, as with SageMaker's models and endpoints.
    """

    def __init__(self, *, any_case: bool = False) -> None:
        self._key = str.lower if any_case else str
        self.lock = threading.RLock()
        self._records: dict[str, Record] = {}

    def get(self, name: str) -> Record | None:
        """The record, or None."""
        with self.lock:
            return self._records.get(self._key(name))

    def add(self, name: str, record: Record) -> bool:
        """Store a new record; False, and nothing stored, when the name is taken."""
        with self.lock:
            if self._key(name) in self._records:
                return False
            self._records[self._key(name)] = record
            return True

    def change(self, name: str, **changes: Any) -> Record:
        """Replace fields of an existing record and return the new one."""
        with self.lock:
            changed: Record = replace(self._records[self._key(name)], **changes)  # type: ignore[type-var]  # records are dataclasses
            self._records[self._key(name)] = changed
            return changed

    def remove(self, name: str) -> Record | None:
        """Take a record out; None when there is none."""
        with self.lock:
            return self._records.pop(self._key(name), None)

    def all(self) -> list[Record]:
        """All records, the oldest first."""
        with self.lock:
            return list(self._records.values())
