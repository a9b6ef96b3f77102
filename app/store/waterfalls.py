"""How the figure for one bucket evolved over the published plans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from app.store.branches import PLAN
from app.store.comparing import cell_value
from app.store.database import Transaction
from app.store.identity import SeriesKey, entity_ids, series_ids


@dataclass(frozen=True, slots=True)
class PublishedValue:
    """What a published plan says of a bucket that starts on a day; None = it has no value there."""

    version: str
    published_at: datetime
    plan_date: date
    start: date
    end: date
    value: float | None


_VALUES = """
SELECT v.name AS version, v.published_at, c.plan_date, k.start_date AS start, k.end_date AS "end",
    substring(s.cells FROM 8 * (own.ordinal - s.first_ordinal) + 1 FOR 8) AS cell,
    coalesce(own.ordinal - s.first_ordinal, -1) AS place
FROM plan.version v JOIN plan.plan p ON p.id = v.plan_id JOIN plan.commit c ON c.id = v.commit_id
JOIN plan.bucket k ON k.calendar_id = c.calendar_id AND k.start_date = %(start)s
LEFT JOIN LATERAL (
    SELECT n.calendar_id, n.first_ordinal, n.cells FROM (
        SELECT c.branch_id, c.id AS upto UNION ALL
        SELECT b.ancestor_id, b.upto_commit_id FROM plan.branch_path b WHERE b.branch_id = c.branch_id
    ) path JOIN plan.series_version n
        ON n.branch_id = path.branch_id AND n.commit_id <= path.upto AND n.series_id = ANY(%(ids)s)
    ORDER BY n.commit_id DESC LIMIT 1) s ON true
LEFT JOIN plan.bucket own ON own.calendar_id = s.calendar_id
    AND own.start_date = k.start_date AND own.end_date = k.end_date
WHERE p.name = %(plan)s AND v.kind = 'final' ORDER BY v.id
"""
"""Per final version, the newest row of the series on its commit's path, found by date in its own calendar."""


async def published_values(
    tx: Transaction, plan_id: int, key: SeriesKey, start: date, *, plan: str = PLAN
) -> list[PublishedValue]:
    """Return what each final version says of the bucket that starts on `start`, oldest first.

    Versions whose calendar has no such bucket are left out.
    """
    tx.measures.add(key.measure)
    known = await entity_ids(tx, plan_id, key.references())
    ids = (await series_ids(tx, plan_id, [key], known)).values()
    rows = await tx.fetch(_VALUES, {"start": start, "ids": list(ids), "plan": plan})
    return [PublishedValue(value=cell_value(row.pop("cell"), row.pop("place")), **row) for row in rows]
