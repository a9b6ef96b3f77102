"""A small company in the real store: of everything one within the callers' reach (A) and one outside (B).

A: customer C-DE in region DE (below EU), site S1 with resource R1, supplier V1. B: C-US, S2, R2, V2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import psycopg

from app.access import HOST, Scope
from app.access.policies import load
from app.auth import Principal
from app.config import Settings
from app.store import branches
from app.store.address import Address
from app.store.commits import write_commit
from app.store.database import Database
from app.store.deltas import EntityChanges, SeriesChanges
from app.store.directory import bind
from app.store.identity import SeriesKey
from app.vocabulary import ENTITIES, MEASURES, Column, build_calendar

CALENDAR: Final = build_calendar(
    {"plan_date": date(2026, 1, 5), "history_from": date(2026, 1, 1), "weeks": 2, "months": 1}
)
CODES: Final[Mapping[str, Mapping[str, str]]] = {
    "A": {
        "customer": "C-DE",
        "site": "S1",
        "supplier": "V1",
        "resource": "R1",
        "item": "I1",
        "party": "P-DE",
    },
    "B": {
        "customer": "C-US",
        "site": "S2",
        "supplier": "V2",
        "resource": "R2",
        "item": "I2",
        "party": "P-US",
    },
}
SHIP_TO: Final = {"A": "ST-DE", "B": "ST-US"}

Row = dict[str, object]


def _rows(*lines: Mapping[str, object]) -> list[Row]:
    return [dict(line) for line in lines]


BASE: Final[dict[str, list[Row]]] = {
    "unit": _rows({"unit": "EA", "name": "Each"}),
    "level": _rows(
        {"level": "market", "name": "Market", "hierarchy": "region", "position": 2},
        {"level": "category", "name": "Category", "hierarchy": "family", "position": 1},
    ),
    "region": _rows(
        {"region": "EU", "name": "Europe", "level": "market"},
        {"region": "DE", "name": "Germany", "parent": "EU"},
        {"region": "US", "name": "America"},
    ),
    "party": _rows(
        {"party": "D-EU", "name": "Sales Europe", "kind": "department"},
        {"party": "D-HQ", "name": "Headquarters", "kind": "department"},
        {"party": "D-OLD", "name": "Closed", "kind": "department", "active": False},
        {"party": "P-DE", "name": "Käufer", "kind": "external"},
        {"party": "P-US", "name": "Buyer and seller", "kind": "external"},
        {"party": "P-V1", "name": "Seller", "kind": "external"},
        {"party": "P-NONE", "name": "Without codes", "kind": "external"},
        {"party": "P-OUT", "name": "Suspended", "kind": "external", "active": False},
    ),
    "assignment": _rows({"party": "D-EU", "region": "EU"}, {"party": "D-EU", "site": "S1"}),
    "family": _rows({"family": "F1", "name": "Family", "level": "category"}),
    "item": _rows(
        {"item": "I1", "name": "One", "type": "finished", "unit": "EA"},
        {"item": "I2", "name": "Two", "type": "finished", "unit": "EA"},
    ),
    "site": _rows(
        {"site": "S1", "name": "Plant one", "kind": "plant"},
        {"site": "S2", "name": "Plant two", "kind": "plant"},
        {"site": "ST-DE", "name": "Lager", "kind": "ship_to", "customer": "C-DE"},
        {"site": "ST-US", "name": "Store", "kind": "ship_to", "customer": "C-US"},
    ),
    "area": _rows({"area": "NA", "name": "North"}, {"area": "SA", "name": "South"}),
    "site_membership": _rows({"site": "ST-DE", "area": "NA"}, {"site": "ST-US", "area": "SA"}),
    "supplier": _rows(
        {"supplier": "V1", "name": "Seller", "party": "P-V1"},
        {"supplier": "V2", "name": "Seller two", "party": "P-US"},
        {"supplier": "V9", "name": "Suspended", "party": "P-OUT"},
    ),
    "customer": _rows(
        {"customer": "C-DE", "name": "Käufer", "party": "P-DE", "region": "DE"},
        {"customer": "C-US", "name": "Buyer", "party": "P-US", "region": "US"},
    ),
    "resource": _rows(
        {"resource": "R1", "name": "Line one", "site": "S1"},
        {"resource": "R2", "name": "Line two", "site": "S2"},
    ),
}


def side(letter: str) -> dict[str, list[Row]]:
    """Return one row of every kind that is not in BASE, naming the codes of one side."""
    return {kind: [_made(kind, letter)] for kind in ENTITIES if kind not in BASE}


def _made(kind: str, letter: str) -> Row:
    row: Row = {}
    for name, column in ENTITIES[kind].columns.items():
        code = CODES[letter].get(column.references or "")
        if code is not None:
            row[name] = code
        elif column.required:
            row[name] = _value(kind, column, letter)
    return row


def _value(kind: str, column: Column, letter: str) -> object:
    if column.values:
        return column.values[0]
    if column.references == "unit":
        return "EA"
    values: Mapping[str, object] = {
        "integer": 1 if letter == "A" else 2,
        "number": 1.0,
        "boolean": True,
        "date": date(2026, 1, 6),
    }
    if kind == "planning_parameter" and column.name == "parameter":
        return "firm_days" if letter == "A" else "tradeoff_days"
    return values.get(column.type, f"{column.name}-{letter}")


def key_of(measure: str, letter: str) -> SeriesKey:
    """Return the key of a measure's series on one side; a customer's site is its ship-to."""
    grain = MEASURES[measure].grain
    codes = {**CODES[letter], "family": "F1", "to_site": "S2" if letter == "A" else "S1"}
    if "customer" in grain:
        codes["site"] = SHIP_TO[letter]
    return SeriesKey(measure, **{name: codes[name] for name in grain})


@dataclass(frozen=True, slots=True)
class Company:
    """The founded company: its database, the ids of its reference data, and callers bound to parties."""

    address: Address
    settings: Settings
    ids: Mapping[tuple[str, str], int]
    measures: Mapping[str, int]
    scopes: Mapping[str, Scope]
    head: int
    branch: int

    @contextmanager
    def acting(self, scope: Scope) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """Open a transaction as the scope's real login and role; its effects are undone."""
        with psycopg.connect(self.address.login_conninfo(scope.login)) as connection:
            wanted = {"role": scope.role, **scope.settings}
            calls = ", ".join(["set_config(%s, %s, true)"] * len(wanted))
            connection.execute(f"SELECT {calls}", [part for pair in wanted.items() for part in pair])
            yield connection
            connection.rollback()


def principal(audience: Any, role: str, party: str | None) -> Principal:
    """Return a principal as a token would make it."""
    return Principal(f"{role}@{party}", audience, party, role, 4_000_000_000, "test", "t")


PARTY_OF: Final = {"internal": "D-EU", "supplier": "P-V1", "customer": "P-DE"}


async def found(settings: Settings) -> Company:
    """Found the company as the host, and bind one caller of each role."""
    database = await Database.open(settings)
    try:
        async with database.write(HOST) as tx:
            main = await branches.create_plan(tx, author="test")
            rows = {kind: [*BASE.get(kind, ()), *side("A").get(kind, ())] for kind in ENTITIES}
            for kind, more in side("B").items():
                rows[kind] += [row for row in more if row not in rows[kind]]
            keys = list(dict.fromkeys(key_of(measure, letter) for measure in MEASURES for letter in "AB"))
            commit = await write_commit(
                tx,
                main,
                author="concord",
                reason="founded",
                calendar=CALENDAR,
                entities=EntityChanges(rows=rows),
                series=SeriesChanges(keys=keys, values=np.full((len(keys), len(CALENDAR)), 7.0)),
            )
            entities = await tx.fetch_rows("SELECT kind, code, id FROM plan.entity")
            measures = await tx.fetch_rows("SELECT name, id FROM plan.measure")
        scopes = {
            role: await bind(database, principal(known.audience, role, PARTY_OF[known.audience]))
            for role, known in load().parties.role.items()
            if known.audience in PARTY_OF
        }
    finally:
        await database.close()
    return Company(
        address=database.address,
        settings=settings,
        ids={(kind, code): number for kind, code, number in entities},
        measures=dict(measures),
        scopes=scopes,
        head=commit.id,
        branch=main.id,
    )
