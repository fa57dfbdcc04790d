"""Archives whose bytes depend on nothing but the content, so that two models can be compared by their archives."""

import gzip
import tarfile
from pathlib import Path
from typing import BinaryIO, cast

_EXECUTABLE = 0o111


def pack(directory: Path, target: Path) -> None:
    """Write the content of a directory as `tar.gz`: sorted names, no owners, no times, two file modes."""
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=cast("BinaryIO", packed), mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(directory.rglob("*")):
            archive.add(path, arcname=path.relative_to(directory).as_posix(), recursive=False, filter=_normalized)


def _normalized(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    entry.mode = 0o755 if entry.isdir() or entry.mode & _EXECUTABLE else 0o644
    return entry


def unpack(source: Path, directory: Path) -> None:
    """Extract an archive of any compression; entries that leave the directory are refused by the data filter."""
    directory.mkdir(parents=True, exist_ok=True)
    with tarfile.open(source) as archive:
        archive.extractall(directory, filter="data")
