"""Totality: everything there is has a line in `policies/`, every line names something there is.

Each kind of fault has a code of its own; all are found before anything is refused, since the person who
repairs a policy wants the list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from app.access.catalogue import Catalogue
from app.access.model import Action, Rule, Work
from app.access.policies import Policies
from app.access.predicates import GENERAL, inbox_measures
from app.errors import PolicyInvalid
from app.vocabulary import ENTITIES, MEASURES

RULE_WORDS = frozenset({"all", "measures", "kinds", "submissions", "submits"})


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in the policies: a stable code, the place, and what it is."""

    code: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.code}: {self.where}: {self.what}"


def raise_faults(faults: Iterable[Fault]) -> None:
    """Raise `PolicyInvalid` that lists all faults, if there are any."""
    found = [str(fault) for fault in faults]
    if found:
        raise PolicyInvalid(reason="; ".join(found))


def check(policies: Policies) -> list[Fault]:
    """Return what is wrong with the files by themselves and against the vocabulary."""
    found = chain(
        _parties(policies),
        _names(policies),
        _measures(policies),
        _sensitive(policies),
        _four_eyes(policies),
        _kinds(policies),
        _columns(policies),
        _submits(policies),
        _inbox(policies),
        _own(policies),
    )
    return list(found)


def check_catalogue(policies: Policies, catalogue: Catalogue) -> list[Fault]:
    """Return what is wrong with the files against the tables of a database."""
    return list(
        chain(
            _tables(policies, catalogue),
            _table_columns(policies, catalogue),
            _differ("function", "actions.toml call", policies.actions.call, catalogue.functions),
            _ids(catalogue),
        )
    )


def _differ(code: str, where: str, listed: Iterable[str], real: Iterable[str]) -> Iterator[Fault]:
    """Yield a fault `unlisted-…` or `stale-…` for each name on one side only."""
    listed, real = set(listed), set(real)
    for name in sorted(real - listed):
        yield Fault(f"unlisted-{code}", where, f"{name} has no line")
    for name in sorted(listed - real):
        yield Fault(f"stale-{code}", where, f"{name} does not exist")


def _parties(policies: Policies) -> Iterator[Fault]:
    parties = policies.parties
    for name, role in parties.role.items():
        if role.audience not in parties.audience:
            yield Fault("unknown-audience", f"parties.toml role {name}", role.audience)
    taken = Counter(role.database_role for role in parties.role.values())
    for database_role, times in taken.items():
        if times > 1:
            yield Fault("shared-database-role", "parties.toml", f"{database_role} stands for {times} roles")
    for name in parties.group.keys() & parties.role.keys():
        # a group may share its name with an audience, never with a role
        yield Fault("ambiguous-group", "parties.toml", f"{name} is a role and a group")


def _names(policies: Policies) -> Iterator[Fault]:
    """Every role, scope and rule that is named exists."""
    named: list[tuple[str, Iterable[str]]] = [
        *((f"parties.toml group {name}", members) for name, members in policies.parties.group.items()),
        *((f"rows.toml {table}", rules) for table, rules in policies.rows.items()),
        *((f"rows.toml kind {kind}", rules) for kind, rules in policies.kinds.items()),
        *(
            (f"fields.toml {t}.{c}", roles)
            for t, columns in policies.fields.items()
            for c, roles in columns.items()
        ),
        *((f"actions.toml {name}", policies.roles(a.roles)) for name, a in policies.actions.action.items()),
        *((f"actions.toml work {name}", [work.role]) for name, work in policies.actions.work.items()),
        *((f"actions.toml inbox {kind}", policies.roles(r)) for kind, r in policies.actions.inbox.items()),
        *(
            (f"actions.toml call {name}", policies.roles(c.roles))
            for name, c in policies.actions.call.items()
        ),
        ("actions.toml submits", policies.actions.submits),
    ]
    for where, roles in named:
        for role in roles:
            if role not in policies.parties.role:
                yield Fault("unknown-role", where, role)
    for measure, rules in policies.measures.items():
        for role in rules:
            if role not in policies.parties.role:
                yield Fault("unknown-role", f"measures.toml {measure}", role)
    for where, rule in _rules(policies):
        if isinstance(rule, str) and rule not in RULE_WORDS and rule not in policies.parties.scope:
            yield Fault("unknown-rule", where, rule)


def _rules(policies: Policies) -> Iterator[tuple[str, Rule]]:
    for table, rules in policies.rows.items():
        yield from ((f"rows.toml {table}", rule) for rule in rules.values())
    for kind, kind_rules in policies.kinds.items():
        yield from ((f"rows.toml kind {kind}", rule.removesuffix(GENERAL)) for rule in kind_rules.values())
    works: list[tuple[str, Action | Work]] = [
        *policies.actions.action.items(),
        *policies.actions.work.items(),
    ]
    for name, work in works:
        yield from ((f"actions.toml {name}", rule) for rule in work.insert.values())


def _measures(policies: Policies) -> Iterator[Fault]:
    yield from _differ("measure", "measures.toml", policies.measures, MEASURES)
    for measure, rules in policies.measures.items():
        for role, far in rules.items():
            audience = policies.parties.role[role].audience if role in policies.parties.role else ""
            if (far == "own") != (audience in ("supplier", "customer")):
                yield Fault("wrong-visibility", f"measures.toml {measure}", f"{role} = {far}")
            scope = policies.parties.scope.get(far)
            grain = MEASURES[measure].grain if measure in MEASURES else None
            if far != "own" and scope and grain is not None and not set(scope.by) & set(grain):
                yield Fault("unscopable", f"measures.toml {measure}", f"no dimension for {far}")


def _sensitive(policies: Policies) -> Iterator[Fault]:
    """Yield a fault where reads would go on record of who does not read the measure."""
    for measure, roles in policies.sensitive.items():
        for role in sorted(roles - policies.measures.get(measure, {}).keys()):
            yield Fault("stale-sensitive", f"measures.toml sensitive {measure}", f"{role} does not read it")


def _four_eyes(policies: Policies) -> Iterator[Fault]:
    """Yield a fault where a second person is asked for and nothing says who is the first."""
    for name, action in policies.actions.action.items():
        if action.four_eyes and action.first_pair is None:
            yield Fault("no-first-pair", f"actions.toml {name}", "four_eyes without first_pair")


def _kinds(policies: Policies) -> Iterator[Fault]:
    yield from _differ("kind", "rows.toml", policies.kinds, ENTITIES)
    for kind, rules in policies.kinds.items():
        for rule in set(rules.values()) - {"all"}:
            scope = policies.parties.scope.get(rule.removesuffix(GENERAL))
            if kind in ENTITIES and scope and not set(scope.by) & {kind, *ENTITIES[kind].columns}:
                yield Fault("unscopable", f"rows.toml kind {kind}", f"its rows name nothing for {rule}")


def _columns(policies: Policies) -> Iterator[Fault]:
    """Say where a role reads a column of a table that it has no rows of, or one file knows a table alone."""
    yield from _differ("table", "rows.toml against fields.toml", policies.rows, policies.fields)
    for table, columns in policies.fields.items():
        for column, roles in columns.items():
            for role in sorted(roles - policies.rows.get(table, {}).keys()):
                yield Fault("no-rows", f"fields.toml {table}.{column}", f"{role} has no rows of the table")


def _submits(policies: Policies) -> Iterator[Fault]:
    """Who submits an input is who owns it, by the owner column of the vocabulary."""
    owned: dict[str, set[str]] = {
        name: set(measure.owner.split()) for name, measure in MEASURES.items() if measure.kind == "input"
    }
    submitted: dict[str, set[str]] = {name: set() for name in owned}
    for role, submits in policies.actions.submits.items():
        for measure in submits.measures:
            submitted.setdefault(measure, set()).add(role)
    for name, action in policies.actions.action.items():
        if action.audience in ("supplier", "customer"):
            for measure in set(action.submits) - policies.actions.inbox.keys():
                submitted.setdefault(measure, set()).add(action.audience)
        elif action.submits:
            yield Fault("wrong-submits", f"actions.toml {name}", "only outside parties submit to the inbox")
    for measure in sorted(owned.keys() | submitted.keys()):
        if owned.get(measure, set()) != submitted[measure]:
            expected = ", ".join(sorted(owned.get(measure, set()))) or "nobody: it is no input"
            found = ", ".join(sorted(submitted[measure])) or "nobody"
            yield Fault(
                "wrong-submits", f"actions.toml {measure}", f"owned by {expected}; submitted by {found}"
            )


def _inbox(policies: Policies) -> Iterator[Fault]:
    submitted = {kind for action in policies.actions.action.values() for kind in action.submits}
    yield from _differ("inbox-kind", "actions.toml", policies.actions.inbox, submitted - MEASURES.keys())


def _own(policies: Policies) -> Iterator[Fault]:
    """Every measure that is a party's own reaches it in exactly one declared way."""
    own = {measure for measure, rules in policies.measures.items() if "own" in rules.values()}
    ways = Counter(
        chain(
            *(table.measures for table in policies.releases.values()),
            policies.submitted.measures,
            policies.withheld.measures,
        )
    )
    yield from _differ("own-measure", "releases.toml", ways, own)
    for measure, times in ways.items():
        if times > 1:
            yield Fault("listed-twice", "releases.toml", measure)
    yield from _differ("submitted", "releases.toml", policies.submitted.measures, inbox_measures(policies))


def _tables(policies: Policies, catalogue: Catalogue) -> Iterator[Fault]:
    yield from _differ("table", "fields.toml", policies.fields, catalogue.tables)
    written: set[str] = set()
    works: list[Action | Work] = [*policies.actions.action.values(), *policies.actions.work.values()]
    for work in works:
        written |= {*work.insert, *work.update}
        for table, columns in work.update.items():
            for column in set(columns) - set(catalogue.tables.get(table, columns)):
                yield Fault("stale-column", "actions.toml", f"{table}.{column} does not exist")
    for table in sorted(written - catalogue.tables.keys()):
        yield Fault("stale-table", "actions.toml", f"{table} does not exist")


def _table_columns(policies: Policies, catalogue: Catalogue) -> Iterator[Fault]:
    for table, columns in policies.fields.items():
        if table in catalogue.tables:
            yield from _differ("column", f"fields.toml {table}", columns, catalogue.tables[table])
    released: Mapping[str, tuple[str, ...]] = {
        table.removeprefix("outside."): columns
        for table, columns in catalogue.tables.items()
        if table.startswith("outside.release")
    }
    yield from _differ("release", "releases.toml", policies.releases, released)
    for table, release in policies.releases.items():
        if table in released:
            yield from _differ("release-column", f"releases.toml {table}", release.columns, released[table])


def _ids(catalogue: Catalogue) -> Iterator[Fault]:
    yield from _differ("measure", "plan.measure", catalogue.measure_ids, MEASURES)
