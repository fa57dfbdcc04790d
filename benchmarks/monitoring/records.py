"""Rows as an endpoint's data capture writes them: one request and its answer per line, the bodies as escaped JSON.

Record and key: AWS's page "Capture data from real-time endpoint". A request holds one instance, so that the envelope
weighs as much as it can; the content types are captured as JSON.
"""

import uuid
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_RECORDS_PER_FILE = 16_384
_GROUPS_PER_HOUR = 4


def write(rows: pa.Table, folder: Path, *, group: int) -> None:
    """Write rows as files below ``folder``, in the hour that belongs to the group; the same group, the same bytes."""
    hour = group // _GROUPS_PER_HOUR
    prefix = folder / "flights" / "AllTraffic" / f"2013/{1 + hour // 720:02d}/{1 + hour // 24 % 30:02d}/{hour % 24:02d}"
    prefix.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng([2014, group])
    for place, start in enumerate(range(0, len(rows), _RECORDS_PER_FILE)):
        lines = _lines(rows.slice(start, _RECORDS_PER_FILE), random, hour=hour)
        name = f"{place:02d}-00-000-{uuid.UUID(bytes=random.bytes(16), version=4)}.jsonl"
        (prefix / name).write_bytes(lines)


def _lines(rows: pa.Table, random: np.random.Generator, *, hour: int) -> bytes:
    moment = f"2013-{1 + hour // 720:02d}-{1 + hour // 24 % 30:02d}T{hour % 24:02d}:00:00Z"
    predictions = pa.array(np.round(random.standard_normal(len(rows)) * 80 + 150, 4)).cast(pa.string())
    before = (
        '{"captureData":{"endpointInput":{"observedContentType":"application/json","mode":"INPUT",'
        '"data":"{\\"instances\\":[{'
    )
    between = (
        '}]}","encoding":"JSON"},"endpointOutput":{"observedContentType":"application/json","mode":"OUTPUT",'
        '"data":"{\\"predictions\\":['
    )
    pieces: list[pa.Array | str] = [
        before,
        *_instance(rows),
        between,
        predictions,
        '],\\"model_version\\":\\"7\\"}","encoding":"JSON"}},"eventMetadata":{"eventId":"',
        _ids(random, len(rows)),
        '","inferenceId":"',
        _ids(random, len(rows)),
        f'","inferenceTime":"{moment}"}},"eventVersion":"0"}}\n',
    ]
    parts = [piece if isinstance(piece, pa.Array) else pa.scalar(piece) for piece in pieces]
    return b"".join(pc.binary_join_element_wise(*parts, "").cast(pa.binary()).to_pylist())


def _instance(rows: pa.Table) -> list[pa.Array | str]:
    pieces: list[pa.Array | str] = []
    for place, (name, column) in enumerate(zip(rows.column_names, rows.columns, strict=True)):
        pieces.append(f'{"," if place else ""}\\"{name}\\":')
        values = column.combine_chunks()
        if pa.types.is_string(values.type):
            values = pc.binary_join_element_wise('\\"', values, '\\"', "")
        pieces.append(pc.fill_null(values.cast(pa.string()), "null"))
    return pieces


def _ids(random: np.random.Generator, count: int) -> pa.Array:
    digits = pa.array(np.frombuffer(random.bytes(16 * count).hex().encode(), dtype="S32")).cast(pa.string())
    slices = [pc.utf8_slice_codeunits(digits, start, stop) for start, stop in _UUID]
    return pc.binary_join_element_wise(*slices, "-")


_UUID = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
