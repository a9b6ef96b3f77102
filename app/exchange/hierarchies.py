"""Checks of the hierarchies: levels, groups that move, gaps between memberships, loops at any time.

Like those of `checks`, each notes what it finds; overlap of validity, unknown codes and loops of the groups'
own rows are found there, for all kinds alike.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from app.dimensions.hierarchies import GROUP_MEMBERSHIP, HIERARCHIES, LEVEL, Structure, holds_on
from app.exchange.findings import Code
from app.exchange.records import Record, Tables
from app.vocabulary import Parameters

TREES = tuple(one for one in HIERARCHIES.values() if one.tree is not None)
DATED = {one.dated: one.dimension for one in HIERARCHIES.values()}
"""Kind of dated memberships -> dimension of its members."""
GROUP_KEY = {GROUP_MEMBERSHIP: ("hierarchy", "group")}


def check_hierarchies(tables: Tables, parameters: Parameters | None) -> None:
    """Run every check; without parameters (they were refused) there is no plan date to check against."""
    check_positions(tables)
    check_levels(tables)
    check_groups(tables)
    check_gaps(tables)
    check_loops(tables)
    if parameters is not None:
        check_own_rows(tables, parameters.date("plan_date"))


def check_positions(tables: Tables) -> None:
    """No two levels of a hierarchy stand on one position."""
    taken: dict[tuple[object, object], object] = {}
    for record in tables.records[LEVEL]:
        hierarchy, position = record.values["hierarchy"], record.values["position"]
        other = taken.setdefault((hierarchy, position), record.values["level"])
        if other != record.values["level"]:
            expected = f"another position than that of {other}"
            record.error(tables.log, Code.INCONSISTENT, "position", position, expected)


def check_levels(tables: Tables) -> None:
    """Levels are those of the group's own hierarchy, and a group stands below groups of higher ones only."""
    levels = {row["level"]: row for row in tables.rows(LEVEL)}
    for hierarchy in TREES:
        kind = str(hierarchy.tree)
        own = {row[kind]: levels.get(row["level"]) for row in tables.rows(kind)}
        for record in tables.records[kind]:
            level = levels.get(record.values["level"])
            if level is None:
                continue
            above = own.get(record.values["parent"])
            if level["hierarchy"] != hierarchy.name:
                expected = f"a level of the hierarchy {hierarchy.name}"
                record.error(tables.log, Code.INCONSISTENT, "level", str(level["level"]), expected)
            elif above is not None and int(str(above["position"])) <= int(str(level["position"])):
                expected = f"a group on a higher level than {level['level']}"
                record.error(tables.log, Code.INCONSISTENT, "parent", record.values["parent"], expected)


def check_groups(tables: Tables) -> None:
    """Codes of groups that move, and of what they move to, are groups of the hierarchy; no row is empty."""
    for record in tables.records[GROUP_MEMBERSHIP]:
        kind = str(record.values["hierarchy"])
        for column in ("group", "parent"):
            code = record.values[column]
            if code is not None and str(code) not in tables.keys[kind]:
                expected = f"a {kind} that is listed"
                record.error(tables.log, Code.UNKNOWN_REFERENCE, column, str(code), expected)
    for record in tables.records["customer_membership"]:
        if record.values["region"] is None and record.values["channel"] is None:
            record.error(tables.log, Code.INCONSISTENT, "region", "", "a region or a channel")


def check_gaps(tables: Tables) -> None:
    """Between two memberships of one member there is no time that none of them says anything about."""
    for records in _members(tables):
        for before, record in pairwise(sorted(records, key=_from)):
            ended, begins = before.values["valid_to"], record.values["valid_from"]
            if isinstance(ended, date) and isinstance(begins, date) and ended < begins:
                expected = f"{ended}, when the row before it ends"
                record.error(tables.log, Code.GAP_IN_VALIDITY, "valid_from", begins, expected)


def _members(tables: Tables) -> Iterator[list[Record]]:
    """Yield the dated memberships of each member."""
    keyed = {**{kind: (dimension,) for kind, dimension in DATED.items()}, **GROUP_KEY}
    for kind, keys in keyed.items():
        members: dict[tuple[object, ...], list[Record]] = defaultdict(list)
        for record in tables.records[kind]:
            members[tuple(record.values[key] for key in keys)].append(record)
        yield from members.values()


def _from(record: Record) -> date:
    value = record.values["valid_from"]
    return value if isinstance(value, date) else date.min


def check_loops(tables: Tables) -> None:
    """At no time do groups lead back to themselves; one finding for each row that brings it about."""
    rows = {kind: list(tables.rows(kind)) for one in TREES for kind in (str(one.tree), GROUP_MEMBERSHIP)}
    structures = {one.name: Structure(one, rows) for one in TREES}
    for record in tables.records[GROUP_MEMBERSHIP]:
        structure = structures[str(record.values["hierarchy"])]
        group = str(record.values["group"])
        for day in _days_within(record, structure):
            path = _path(structure, group, day)
            if path[-1] in path[:-1]:
                found = " > ".join(path)
                record.error(tables.log, Code.CYCLE, "parent", found, f"a tree without a loop on {day}")
                break


def _days_within(record: Record, structure: Structure) -> Iterator[date]:
    """Yield the days within a row's validity on which anything changes, its first day among them."""
    yield from sorted({_from(record), *(day for day in structure.changes if holds_on(record.values, day))})


def _path(structure: Structure, group: str, day: date) -> list[str]:
    """Return a group and what is above it on a day, up to the first that comes again."""
    path = [group]
    while (above := structure.parent_of(path[-1], day)) is not None and above not in path:
        path.append(above)
    return path if above is None else [*path, above]


def check_own_rows(tables: Tables, plan_date: date) -> None:
    """Memberships that hold on the plan date say what the member's own row says."""
    for hierarchy in HIERARCHIES.values():
        own = {row[hierarchy.dimension]: row[hierarchy.column] for row in tables.rows(hierarchy.dimension)}
        for record in tables.records[hierarchy.dated]:
            member, found = record.values[hierarchy.dimension], record.values[hierarchy.column]
            _check_now(tables, record, hierarchy.column, plan_date, (own.get(member, found), found))
    parents = {
        (one.name, row[str(one.tree)]): row["parent"] for one in TREES for row in tables.rows(str(one.tree))
    }
    for record in tables.records[GROUP_MEMBERSHIP]:
        key, found = (record.values["hierarchy"], record.values["group"]), record.values["parent"]
        own_parent = parents.get((str(key[0]), key[1]), found)
        _check_now(tables, record, "parent", plan_date, (own_parent, found or ""))


def _check_now(
    tables: Tables, record: Record, column: str, plan_date: date, said: tuple[object, object]
) -> None:
    expected, found = said
    if found is not None and holds_on(record.values, plan_date) and (expected or "") != found:
        words = f"{expected or 'nothing'}, as its own row has it on the plan date {plan_date}"
        record.error(tables.log, Code.INCONSISTENT, column, str(found), words)
