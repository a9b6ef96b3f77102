"""Hypothesis strategies: callers, rows of any policed table, worlds that a caller must not tell apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from app.access.policies import Policies
from app.vocabulary import ENTITIES
from tests.access.lab import Column, Lab, Row, Rows
from tests.access.oracle import Caller, Oracle

Focus = Mapping[str, Sequence[Any]]
EVERYWHERE: Focus = {}

IDS = st.integers(1, 4)
WORDS: Mapping[str, Sequence[str]] = {
    "stakeholder": ("sales", "operations", "procurement", "finance"),
    "audience": ("supplier", "customer"),
    "subject": ("me", "other"),
    "author": ("me", "other"),
    "submitted_by": ("me", "other"),
    "state": ("queued", "included", "open"),
}
INBOX_KINDS = (
    "acknowledgement",
    "supplierCommit",
    "supplierCapacity",
    "customerSignal",
    "pointOfSale",
    "customerStock",
    "salesForecast",
)
BY_TYPE: Mapping[str, st.SearchStrategy[Any]] = {
    "integer": IDS,
    "bigint": IDS,
    "smallint": IDS,
    "text": st.sampled_from(["", "a", "b", "main", "plan/leximin/1"]),
    "boolean": st.booleans(),
    "double precision": st.sampled_from([0.0, 1.5, float("nan"), 7.0]),
    "real": st.sampled_from([0.0, 0.5]),
    "date": st.sampled_from([date(2026, 1, 5), date(2026, 2, 2)]),
    "timestamp with time zone": st.sampled_from(
        [datetime(2026, 1, 5, 9, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)]
    ),
    "bytea": st.sampled_from([b"\0" * 8, b"\1" * 32]),
    "uuid": st.sampled_from([UUID(int=1), UUID(int=2)]),
    "jsonb": st.sampled_from([{}, {"quantity": 1}, {"price": 9.5}]),
    "text[]": st.sampled_from([[], ["firm"], ["item"]]),
    "date[]": st.sampled_from([[], [date(2026, 1, 5)]]),
    "double precision[]": st.sampled_from([[], [1.0, 2.0]]),
}


def values_of(lab: Lab, table: str, column: Column) -> st.SearchStrategy[Any]:
    """Return values of a column; those that policies look at come from the words that policies know."""
    if column.name == "measure_id":
        values: st.SearchStrategy[Any] = st.sampled_from(sorted(lab.measures))
    elif column.name == "kind" and table.startswith("plan.entity"):
        values = st.sampled_from(sorted(ENTITIES))
    elif column.name == "kind" and table.startswith("outside.inbox"):
        values = st.sampled_from(INBOX_KINDS)
    elif column.name in WORDS:
        values = st.sampled_from(WORDS[column.name])
    else:
        values = BY_TYPE[column.type]
    return values if column.required else st.one_of(values, st.none())


def rows_of(lab: Lab, table: str, focus: Focus) -> st.SearchStrategy[Row]:
    """Return rows of a table; a column named in `focus` takes one of the values given there."""
    return st.fixed_dictionaries(
        {
            c.name: st.sampled_from(focus[c.name]) if c.name in focus else values_of(lab, table, c)
            for c in lab.tables[table]
        }
    )


def id_sets() -> st.SearchStrategy[str]:
    """Return ids as the settings of a scope hold them."""
    return st.sets(IDS, max_size=3).map(lambda ids: "{" + ",".join(map(str, sorted(ids))) + "}")


@st.composite
def callers(draw: st.DrawFn, policies: Policies, roles: Sequence[str]) -> Caller:
    """Return a caller with one of the roles; its reach is narrowed, unlimited or (by mistake) not set."""
    settings = {"concord.subject": draw(st.sampled_from(["me", "other"])), "concord.party_id": str(draw(IDS))}
    for name in ("region", "site"):
        scope = policies.parties.scope[name]
        limit = draw(st.sampled_from(["narrowed", "unlimited", "unset"]))
        if limit == "unlimited" and scope.unlimited:
            settings[scope.unlimited] = "on"
        elif limit == "narrowed":
            settings |= {setting: draw(id_sets()) for setting in scope.by.values()}
    return Caller(draw(st.sampled_from(list(roles))), settings)


@dataclass(frozen=True, slots=True)
class Pair:
    """A caller and two worlds that are equal in all that the policies grant it."""

    caller: Caller
    one: Rows
    other: Rows


@st.composite
def pairs(
    draw: st.DrawFn,
    lab: Lab,
    oracle: Oracle,
    tables: Sequence[str],
    *,
    roles: Sequence[str],
    focus: Focus = EVERYWHERE,
) -> Pair:
    """Draw a world, and one with hidden rows kept, dropped and added, and hidden columns changed."""
    caller = draw(callers(oracle.policies, roles))
    one = {table: draw(st.lists(rows_of(lab, table, focus), max_size=4)) for table in tables}
    other: dict[str, list[Row]] = {}
    for table in sorted(tables, reverse=True):  # plan.entity is judged by plan.entity_version
        strategy = rows_of(lab, table, focus)
        kept: list[Row] = []
        for row in one[table]:
            seen = oracle.visible(caller, table, row, one)
            if seen:
                redrawn = draw(strategy)
                changed = {name: row[name] if name in seen else redrawn[name] for name in row}
                same = oracle.visible(caller, table, changed, one) == seen
                kept.append(changed if same else row)
            else:
                kept += draw(st.sampled_from([[row], []]))
        world = {**other, table: kept}
        added = draw(st.lists(strategy, max_size=3))
        kept += [row for row in added if not oracle.visible(caller, table, row, world)]
        other[table] = kept
    return Pair(caller, one, other)
