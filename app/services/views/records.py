"""Reference data as it was at a commit: pages of one kind, single records, and the records they refer to.

References are followed as deep as the question asks, one read a level for all rows of the page together, so
the number of statements depends on the question and never on the number of rows.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from app.services.grants import require_kind
from app.services.views.pages import Page, page_of
from app.store.branches import At, Commit, resolve
from app.store.database import Transaction
from app.store.entities import read_entities
from app.store.entity_pages import read_entity_page
from app.vocabulary import ENTITIES, entity_key

LinkTree = Mapping[str, "LinkTree"]
"""Which references to follow: column -> which references of the record found there."""

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a kind, with the records that were asked for behind its references (None = not visible)."""

    kind: str
    code: str
    row: Row
    links: dict[str, "Record | None"] = field(default_factory=dict)


async def record_page(
    tx: Transaction,
    at: At,
    kind: str,
    *,
    matching: Mapping[str, Collection[str]] | None = None,
    limit: int,
    after: str | None = None,
    links: LinkTree | None = None,
) -> Page[Record]:
    """Return the records of a kind at a state by code; `matching` keeps rows by the values of columns.

    The pseudo-column "code" matches the record's own code. Raises `NotGranted` for a kind of which the role
    reads nothing.
    """
    require_kind(tx.scope, kind)
    commit = await resolve(tx, at)
    narrowing = dict(matching or {})
    keys = narrowing.pop("code", None)
    rows = await read_entity_page(
        tx, commit, kind, keys=keys, matching=narrowing, after=after, first=limit + 1
    )
    page = page_of([_record(kind, row) for row in rows], limit, lambda record: record.code)
    await follow(tx, commit, page.rows, links or {})
    return page


async def records_by_code(
    tx: Transaction, commit: Commit, kind: str, codes: Collection[str], links: LinkTree | None = None
) -> dict[tuple[str, str], Record]:
    """Return the visible records of one kind among `codes`, by (kind, code)."""
    rows = await read_entity_page(tx, commit, kind, keys=codes, first=len(codes))
    records = [_record(kind, row) for row in rows]
    await follow(tx, commit, records, links or {})
    return {(kind, record.code): record for record in records}


async def records_of(
    tx: Transaction,
    commit: Commit,
    keys: Mapping[str, Collection[str]],
    links: Mapping[str, LinkTree] | None = None,
) -> dict[tuple[str, str], Record]:
    """Return the visible records among kind -> codes, by (kind, code); one read for all kinds."""
    wanted = {kind: sorted(codes) for kind, codes in keys.items() if codes}
    if not wanted:
        return {}
    every = sorted({code for codes in wanted.values() for code in codes})
    found = await read_entities(tx, commit, sorted(wanted), keys=every)
    records = {
        (kind, record.code): record
        for kind, codes in wanted.items()
        for record in (_record(kind, row) for row in found.get(kind, ()))
        if record.code in set(codes)
    }
    for kind, tree in (links or {}).items():
        await follow(tx, commit, [record for record in records.values() if record.kind == kind], tree)
    return records


async def follow(tx: Transaction, commit: Commit, records: Sequence[Record], links: LinkTree) -> None:
    """Fill in the links of `records`, which are all of one kind, as deep as the tree goes."""
    if not records or not links:
        return
    columns = ENTITIES[records[0].kind].columns
    targets = {column: str(columns[column].references) for column in links}
    keys: dict[str, set[str]] = {}
    for column, kind in targets.items():
        codes = (record.row.get(column) for record in records)
        keys.setdefault(kind, set()).update(str(code) for code in codes if code is not None)
    found = await records_of(tx, commit, keys)
    for record in records:
        for column, kind in targets.items():
            record.links[column] = found.get((kind, str(record.row.get(column))))
    for column, tree in links.items():
        below = {id(link): link for record in records if (link := record.links[column]) is not None}
        await follow(tx, commit, list(below.values()), tree)


def _record(kind: str, row: Row) -> Record:
    return Record(kind, entity_key(kind, row), row)
