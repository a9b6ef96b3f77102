"""Pages of one kind of reference data, ordered and resumed by key, narrowed by what the rows say.

The key is put together from the row itself and not looked up in `plan.entity`, because a kind that is
narrowed by what its rows name (a price by its customer) may be read as rows only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import orjson

from app.store.branches import PATH, Commit
from app.store.database import Transaction
from app.store.entities import Row, typed
from app.vocabulary import ENTITIES, Entity


async def read_entity_page(
    tx: Transaction,
    commit: Commit,
    kind: str,
    *,
    keys: Collection[str] | None = None,
    matching: Mapping[str, Collection[str]] | None = None,
    after: str | None = None,
    first: int,
) -> list[Row]:
    """Return up to `first` rows of a kind as the state has them, by ascending key, after the key `after`.

    `keys` narrows to rows with these keys, `matching` to rows whose column holds one of the texts.
    """
    entity = ENTITIES[kind]
    parameters: dict[str, Any] = {**commit.path, "kind": kind, "first": first}
    conditions = ["found.row IS NOT NULL"]
    if keys is not None:
        conditions.append("key = ANY(%(keys)s)")
        parameters["keys"] = list(keys)
    if after is not None:
        conditions.append('key > %(after)s COLLATE "C"')
        parameters["after"] = after
    for place, (column, texts) in enumerate((matching or {}).items()):
        conditions.append(f"found.row ->> %(column{place})s = ANY(%(texts{place})s)")
        parameters |= {f"column{place}": entity.columns[column].name, f"texts{place}": list(texts)}
    rows = await tx.fetch_rows(
        f"""SELECT found.row::text FROM (
            SELECT DISTINCT ON (v.entity_id) v.row
            FROM {PATH} JOIN plan.entity_version v
                ON v.branch_id = path.branch_id AND v.commit_id <= path.upto
            WHERE v.kind = %(kind)s ORDER BY v.entity_id, v.commit_id DESC) found,
            LATERAL (SELECT {_key(entity)} AS key) keyed
        WHERE {" AND ".join(conditions)} ORDER BY key LIMIT %(first)s""",  # noqa: S608  names of the vocabulary
        parameters,
    )
    return [typed(entity, orjson.loads(text)) for (text,) in rows]


def _key(entity: Entity) -> str:
    """Return the SQL expression of a row's key, as `app.vocabulary.entity_key` puts it together."""
    parts = ", '|', ".join(f"found.row ->> '{name}'" for name in entity.key)
    return f'concat({parts}) COLLATE "C"'
