"""Packs texts as a model's archive."""

import io
import tarfile
from collections.abc import Mapping


def archive(files: Mapping[str, str]) -> bytes:
    """Return a ``model.tar.gz`` that holds the texts by their paths."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()
