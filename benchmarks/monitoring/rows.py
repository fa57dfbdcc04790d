"""Where the rows of the comparison are."""

from dataclasses import dataclass
from pathlib import Path

_VERSION = 1
"""Part of the folder's name: rows of an older definition are not taken for these."""


@dataclass(frozen=True)
class Rows:
    """Where the rows of one size are.

    Attributes:
        folder: of this size.
    """

    folder: Path

    @classmethod
    def of(cls, cache: Path, rows: int) -> "Rows":
        """Return where the rows of a size belong."""
        return cls(cache / f"rows-v{_VERSION}" / str(rows))

    @property
    def reference(self) -> Path:
        """Folder of the reference's Parquet files."""
        return self.folder / "reference"

    @property
    def current(self) -> Path:
        """Folder of the current rows' Parquet files."""
        return self.folder / "current"

    @property
    def capture(self) -> Path:
        """Folder of the current rows as captured requests."""
        return self.folder / "capture"
