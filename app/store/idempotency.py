"""Answers already given: the same request under the same key of the same caller gets the same answer.

The key is locked until the transaction ends, so that of two requests at the same moment one waits for the
other's answer. Keys are the caller's own: two callers may use the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from app.errors import BadValue, IdempotencyConflict
from app.store.database import Transaction

LONGEST_KEY = 200
"""Characters of a key, as the table limits them."""


def request_hash(request: Mapping[str, object]) -> bytes:
    """Return the SHA-256 of a request, whatever the order of its fields."""
    return hashlib.sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS)).digest()


async def given_answer(tx: Transaction, key: str, digest: bytes) -> dict[str, Any] | None:
    """Return the answer given under a key, None for a new key; one key for two requests is refused.

    Raises BadValue for a key that is empty or too long.
    """
    if not 1 <= len(key) <= LONGEST_KEY:
        expected = f"1 to {LONGEST_KEY} characters"
        raise BadValue(field=("idempotencyKey",), expected=expected, found=f"{len(key)} characters")
    subject = tx.scope.subject
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s || chr(31) || %s, 0))", (subject, key))
    found = await tx.fetch_one(
        "SELECT request_hash, answer::text FROM plan.idempotency WHERE subject = %s AND key = %s",
        (subject, key),
    )
    if found is None:
        return None
    if bytes(found["request_hash"]) != digest:
        raise IdempotencyConflict(field=("idempotencyKey",))
    answer: dict[str, Any] = orjson.loads(found["answer"])
    return answer


async def keep_answer(tx: Transaction, key: str, digest: bytes, answer: Mapping[str, object]) -> None:
    """Keep the answer to a request, in the transaction that carries it out."""
    await tx.execute(
        "INSERT INTO plan.idempotency (subject, key, request_hash, answer) VALUES (%s, %s, %s, %s::jsonb)",
        (tx.scope.subject, key, digest, orjson.dumps(answer).decode()),
    )
