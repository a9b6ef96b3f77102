"""What a reconciliation says of its result: certificate, payoff table, concessions, binding limits.

Reading gives what the caller may see: rows by row security, and None for a column that its role may not read
(money goes to finance and executives).
"""

# ruff: noqa: S608  statements are composed of constants of this layer, values go as parameters

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from psycopg.types.json import Jsonb

from app.errors import NotFound
from app.store.branches import Commit
from app.store.database import Transaction
from app.store.identity import Reference, entity_ids


@dataclass(frozen=True, slots=True)
class Summary:
    """Status and proof of a result; money in `currency`. `gap` is relative, 0 = proven optimal."""

    rule: str
    inputs_hash: bytes | None
    status: str
    objective: float | None
    bound: float | None
    gap: float | None
    currency: str
    seconds: float
    components: int
    certificate: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Stakeholder:
    """What a stakeholder could have had at best and at worst, got, and gave up (`concession`, share of 1)."""

    stakeholder: str
    objective: str
    unit: str
    best: float | None
    worst: float | None
    value: float | None
    concession: float
    no_conflict: bool
    money: float | None


@dataclass(frozen=True, slots=True)
class Payoff:
    """The column stakeholder's objective in the plan that is best for the row stakeholder."""

    row_stakeholder: str
    column_stakeholder: str
    value: float
    money: float | None


@dataclass(frozen=True, slots=True)
class BindingLimit:
    """A limit that holds the plan back; `shadow_price` is what one more unit of `amount` is worth."""

    kind: str
    item: str | None
    site: str | None
    supplier: str | None
    resource: str | None
    ordinal: int | None
    amount: float
    shadow_price: float | None
    text: str

    def references(self) -> Iterable[Reference]:
        """Return kind and code of what the limit is about."""
        for kind in _LIMIT_KINDS:
            code = getattr(self, kind)
            if code is not None:
                yield kind, code


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """All that a result says of itself."""

    summary: Summary
    stakeholders: Sequence[Stakeholder] = ()
    payoff: Sequence[Payoff] = ()
    limits: Sequence[BindingLimit] = ()
    working: bytes | None = None
    """What the host keeps to explain the plan by; no role reads it."""


_LIMIT_KINDS = ("item", "site", "supplier", "resource")


async def write_reconciliation(tx: Transaction, result: Commit, said: Reconciliation) -> None:
    """Write what a result commit says of itself, once."""
    summary = {name: getattr(said.summary, name) for name in _names(Summary)}
    summary["certificate"] = Jsonb(dict(said.summary.certificate or {}))
    summary["working"] = said.working
    await _insert(tx, "reconciliation", result, [summary])
    await _insert(tx, "reconciliation_stakeholder", result, [_row(part) for part in said.stakeholders])
    await _insert(tx, "payoff", result, [_row(part) for part in said.payoff])
    await _insert_limits(tx, result, said.limits)


async def _insert_limits(tx: Transaction, result: Commit, limits: Sequence[BindingLimit]) -> None:
    ids = await entity_ids(tx, result.plan_id, (part for limit in limits for part in limit.references()))
    rows = []
    for position, limit in enumerate(limits):
        row = _row(limit) | {"position": position}
        for kind in _LIMIT_KINDS:
            code = row.pop(kind)
            if code is not None and (kind, code) not in ids:
                raise NotFound(kind=kind, name=code)
            row[f"{kind}_id"] = None if code is None else ids[kind, code]
        rows.append(row)
    await _insert(tx, "binding_limit", result, rows)


async def _insert(tx: Transaction, table: str, result: Commit, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of one table in one go."""
    if not rows:
        return
    names = ["commit_id", *rows[0]]
    row_text = "(" + ", ".join("%s" for _ in names) + ")"
    await tx.execute(
        f"INSERT INTO plan.{table} ({', '.join(names)}) VALUES {', '.join(row_text for _ in rows)}",
        [value for row in rows for value in (result.id, *row.values())],
    )


async def read_summary(tx: Transaction, result: Commit) -> Summary | None:
    """Return status and proof of a result commit; None for a commit that is no result."""
    rows = await _read(tx, "reconciliation", result, _names(Summary), "commit_id")
    return Summary(**rows[0]) if rows else None


async def read_working(tx: Transaction, result: Commit) -> bytes | None:
    """Return what the host keeps to explain a plan by; None for a state that has none."""
    rows = await tx.fetch("SELECT working FROM plan.reconciliation WHERE commit_id = %s", (result.id,))
    return rows[0]["working"] if rows else None


async def read_stakeholders(tx: Transaction, result: Commit) -> list[Stakeholder]:
    """Return the concessions that the caller may see, by stakeholder."""
    names = _names(Stakeholder)
    rows = await _read(tx, "reconciliation_stakeholder", result, names, "stakeholder")
    return [Stakeholder(**row) for row in rows]


async def read_payoff(tx: Transaction, result: Commit) -> list[Payoff]:
    """Return the payoff table, by row and column; empty for a caller who may not see it."""
    rows = await _read(tx, "payoff", result, _names(Payoff), "row_stakeholder, column_stakeholder")
    return [Payoff(**row) for row in rows]


async def read_limits(tx: Transaction, result: Commit) -> list[BindingLimit]:
    """Return the binding limits, most expensive first, with the codes that the caller may see."""
    names = [f"{name}_id" if name in _LIMIT_KINDS else name for name in _names(BindingLimit)]
    rows = await _read(tx, "binding_limit", result, names, "position")
    ids = {row[f"{kind}_id"] for row in rows for kind in _LIMIT_KINDS} - {None}
    codes = dict(await tx.fetch_rows("SELECT id, code FROM plan.entity WHERE id = ANY(%s)", (sorted(ids),)))
    for row in rows:
        row |= {kind: codes.get(row.pop(f"{kind}_id")) for kind in _LIMIT_KINDS}
    return [BindingLimit(**row) for row in rows]


async def _read(
    tx: Transaction, table: str, result: Commit, names: Sequence[str], order: str
) -> list[dict[str, Any]]:
    """Return rows of a result; a column that the caller's role may not read is None."""
    granted = await tx.fetch_value(
        "SELECT coalesce(array_agg(n.name), '{}') FROM unnest(%s::text[]) n(name) "
        "WHERE has_column_privilege(%s, n.name, 'SELECT')",
        (list(names), f"plan.{table}"),
    )
    if not granted:
        return []
    columns = ", ".join(name if name in granted else f"NULL AS {name}" for name in names)
    return await tx.fetch(
        f"SELECT {columns} FROM plan.{table} WHERE commit_id = %s ORDER BY {order}", (result.id,)
    )


def _names(kind: type) -> list[str]:
    """Return the columns of a table: the fields of its dataclass."""
    return [field.name for field in fields(kind)]


def _row(part: Stakeholder | Payoff | BindingLimit) -> dict[str, Any]:
    """Return a record as column values."""
    return {name: getattr(part, name) for name in _names(type(part))}
