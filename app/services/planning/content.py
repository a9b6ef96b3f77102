"""What a plan is made from, as one hash: equal inputs under one rule have one plan (rule P30)."""

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np
import orjson

from app.exchange.dataset import Dataset, SeriesBlock

MODEL = b"concord-model-1"
"""Raise the number when the same inputs shall give another plan."""


def inputs_hash(dataset: Dataset, rule: str) -> bytes:
    """Return the SHA-256 over reference data, series, calendar and rule.

    The order of rows and series does not count, nor do series without any value. The last published plan is
    left out though it decides between equally good plans: the same inputs shall give the same plan, also
    when something was published in between.
    """
    digest = hashlib.sha256()
    _add(digest, MODEL, rule.encode())
    for bucket in dataset.calendar.buckets:
        _add(digest, f"{bucket.start}/{bucket.end}".encode())
    for kind in sorted(dataset.entities):
        _add(digest, kind.encode(), *sorted(_row(row) for row in dataset.entities[kind]))
    _add(digest, *_series(dataset.series))
    return digest.digest()


def _row(row: Mapping[str, object]) -> bytes:
    return orjson.dumps(dict(row), option=orjson.OPT_SORT_KEYS)


def _series(blocks: Iterable[SeriesBlock]) -> list[bytes]:
    """Return measure, key and values of each series that says anything, in ascending order."""
    return sorted(
        orjson.dumps([block.measure, *key]) + np.ascontiguousarray(values + 0.0, dtype="<f8").tobytes()
        for block in blocks
        for key, values in zip(block.keys, block.values, strict=True)
        if not np.isnan(values).all()
    )


def _add(digest: "hashlib._Hash", *parts: bytes) -> None:
    """Hash parts with their lengths, so that no two sequences of parts give the same bytes."""
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
