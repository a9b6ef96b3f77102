"""Row rules of the policies as SQL predicates, in the one form that was proven: fast, and closed when unset.

A comparison with the caller's ids reads
`col = ANY ((SELECT nullif(current_setting('concord.x', true), ''))::int[])`: the sub-select is computed once
per statement, and a setting that was not set is NULL, which lets no row through. Beside a list of measures
the ids are unnested in the sub-select: a list that is no constant would be searched from end to end for every
row, a sub-select is hashed; no index could serve such a test either way.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.access.model import Rule, ScopeRule
from app.access.policies import Policies
from app.errors import PolicyInvalid
from app.vocabulary import DIMENSIONS, ENTITIES, MEASURES

GENERAL = " or general"
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

EVERYTHING = "true"
_IDENTITY = ("measure_id", *(f"{name}_id" for name in DIMENSIONS))
SAME_IDENTITY = (
    "EXISTS (SELECT FROM plan.series s WHERE s.id = series_version.series_id AND "  # noqa: S608  constants
    f"({', '.join(f's.{name}' for name in _IDENTITY)}) IS NOT DISTINCT FROM "
    f"({', '.join(f'series_version.{name}' for name in _IDENTITY)}))"
)
"""Who appends to a series cannot pass it off as another one: the copied identity is the series' own."""
KEY_OF_A_ROW_SEEN = '"id" IN (SELECT entity_id FROM plan.entity_version)'
"""Row security holds in the sub-select too; computed once per statement, and only where it is reached."""


def identifier(name: str) -> str:
    """Return a name quoted for SQL; anything but lower-case letters, digits and _ is refused."""
    if not _IDENTIFIER.fullmatch(name):
        raise PolicyInvalid(reason=f"{name!r} is no identifier")
    return f'"{name}"'


def table_name(table: str) -> str:
    """Return `schema.table` quoted for SQL."""
    schema, _, name = table.partition(".")
    return f"{identifier(schema)}.{identifier(name)}"


def is_one_of(column: str, words: Iterable[str]) -> str:
    """Return the test that a text column holds one of the words."""
    listed = sorted(set(words))
    wrong = [word for word in listed if not _WORD.fullmatch(word)]
    if wrong:
        raise PolicyInvalid(reason=f"{wrong[0]!r} is no word")
    return f"{identifier(column)} = ANY ('{{{','.join(listed)}}}'::text[])"


def is_one_of_ids(column: str, ids: Iterable[int]) -> str:
    """Return the test that an id column holds one of the ids, which become part of the policy."""
    return f"{identifier(column)} = ANY ('{{{','.join(str(i) for i in sorted(ids))}}}'::smallint[])"


def any_of(tests: Sequence[str]) -> str | None:
    """Join alternatives; None if there are none, which grants nothing."""
    if not tests or EVERYTHING in tests:
        return EVERYTHING if tests else None
    return tests[0] if len(tests) == 1 else " OR ".join(f"({test})" for test in tests)


def within(scope: ScopeRule, setting: str, column: str, *, hashed: bool = False) -> str:
    """Return the test that a column lies within a scope, by the setting that holds the caller's ids.

    `hashed` is for a test that no index serves, and that many ids may be in.
    """
    name, set_to = identifier(column), f"nullif(current_setting('{_setting(setting)}', true), '')"
    value = f"(SELECT {set_to})"
    if setting.endswith("_ids") and hashed:
        test = f"{name} IN (SELECT unnest(({set_to})::int[]))"
    elif setting.endswith("_ids"):
        test = f"{name} = ANY ({value}::int[])"
    elif setting.endswith("_id"):
        test = f"{name} = {value}::int"
    else:
        test = f"{name} = {value}"
    if scope.unlimited is None:
        return test
    return f"{test} OR (SELECT current_setting('{_setting(scope.unlimited)}', true) = 'on')"


def _setting(name: str) -> str:
    prefix, _, rest = name.partition(".")
    if prefix != "concord" or not _IDENTIFIER.fullmatch(rest):
        raise PolicyInvalid(reason=f"parties.toml: {name!r} is no setting of Concord")
    return name


@dataclass(frozen=True, slots=True)
class Compiler:
    """Predicates of one database: its policies, tables (name → columns) and measure ids."""

    policies: Policies
    columns: Mapping[str, Sequence[str]]
    measure_ids: Mapping[str, int]

    def rows(self, table: str, role: str, rule: Rule) -> str | None:
        """Return which rows of a table a role sees; None = none."""
        if isinstance(rule, dict):
            return " AND ".join(
                f"({self._column_test(table, column, wanted)})" for column, wanted in rule.items()
            )
        match rule:
            case "all":
                return EVERYTHING
            case "measures":
                seen = {m: far[role] for m, far in self.policies.measures.items() if role in far}
                return self.series(seen)
            case "kinds":
                return self._kinds(table, role)
            case "submissions":
                return self._submissions(role)
            case "submits":
                test = self.submitted_series(role)
                return f"({test}) AND {SAME_IDENTITY}" if test and table == "plan.series_version" else test
        return self._scoped(table, rule)

    def _column_test(self, table: str, column: str, wanted: str | list[str]) -> str:
        if column not in self.columns[table]:
            raise PolicyInvalid(reason=f"{table} has no column {column}")
        if isinstance(wanted, list):
            return is_one_of(column, wanted)
        scope = self.scope(wanted)
        dimension = column.removesuffix("_id")
        setting = scope.by.get(dimension) or (next(iter(scope.by.values())) if len(scope.by) == 1 else None)
        if setting is None:
            raise PolicyInvalid(reason=f"{table}.{column}: the scope {wanted} has no {dimension}")
        return within(scope, setting, column)

    def scope(self, name: str) -> ScopeRule:
        """Return a scope of parties.toml."""
        if name not in self.policies.parties.scope:
            raise PolicyInvalid(reason=f"{name!r} is no rule and no scope of parties.toml")
        return self.policies.parties.scope[name]

    def _scoped(self, table: str, rule: str) -> str:
        scope = self.scope(rule)
        for dimension, setting in scope.by.items():
            if f"{dimension}_id" in self.columns[table]:
                return within(scope, setting, f"{dimension}_id")
        raise PolicyInvalid(reason=f"{table} has no column that the scope {rule} could compare")

    def series(self, seen: Mapping[str, str]) -> str | None:
        """Return the test on measure_id and key for measures, each as far as `seen` says."""
        groups: dict[str, list[int]] = defaultdict(list)
        for measure, far in seen.items():
            if far != "own":
                groups[EVERYTHING if far == "all" else self._within_grain(measure, far)].append(
                    self.measure_ids[measure]
                )
        tests = []
        for test, ids in sorted(groups.items()):
            listed = is_one_of_ids("measure_id", ids)
            tests.append(listed if test == EVERYTHING else f"{listed} AND ({test})")
        return any_of(tests)

    def _within_grain(self, measure: str, far: str) -> str:
        scope = self.scope(far)
        for dimension, setting in scope.by.items():
            if dimension in MEASURES[measure].grain:
                return within(scope, setting, f"{dimension}_id", hashed=True)
        raise PolicyInvalid(reason=f"{measure} has no dimension that the scope {far} could compare")

    def submitted_series(self, role: str) -> str | None:
        """Return the test on the series that a role submits."""
        submits = self.policies.actions.submits.get(role)
        if submits is None:
            return None
        scope = self.policies.parties.scope.get(submits.within or "")
        grains = {m: set(MEASURES[m].grain) for m in submits.measures}
        bounded = {m: scope is not None and bool(grain & set(scope.by)) for m, grain in grains.items()}
        return self.series({m: submits.within or "all" if bounded[m] else "all" for m in submits.measures})

    def _kinds(self, table: str, role: str) -> str | None:
        groups: dict[str, list[str]] = defaultdict(list)
        for kind, rules in self.policies.kinds.items():
            far = rules.get(role)
            if far is not None:
                groups[EVERYTHING if far == "all" else self._kind_test(table, kind, far)].append(kind)
        tests = []
        for test, kinds in sorted(groups.items()):
            listed = is_one_of("kind", kinds)
            tests.append(listed if test == EVERYTHING else f"{listed} AND ({test})")
        return any_of(tests)

    def _kind_test(self, table: str, kind: str, rule: str) -> str:
        """Return the test for rows of a kind.

        plan.entity does not carry what a row names: there, the key of a row is seen by whom the row is.
        """
        scope = self.scope(rule.removesuffix(GENERAL))
        own_id = "id" if table == "plan.entity" else "entity_id"
        if kind in scope.by:
            return within(scope, scope.by[kind], own_id)
        for dimension, setting in scope.by.items():
            if dimension in ENTITIES[kind].columns:
                column = f"{dimension}_id"
                if column not in self.columns[table]:
                    return KEY_OF_A_ROW_SEEN
                test = within(scope, setting, column)
                return f"{test} OR {identifier(column)} IS NULL" if rule.endswith(GENERAL) else test
        raise PolicyInvalid(reason=f"rows of kind {kind} name nothing that the scope {rule} could compare")

    def _submissions(self, role: str) -> str | None:
        """Return the test on rows of the inbox: the measures that the role sees, the other kinds by list."""
        groups: dict[str, list[str]] = defaultdict(list)
        for measure in inbox_measures(self.policies):
            far = self.policies.measures[measure].get(role)
            if far in ("all", "region"):
                groups[far].append(measure)
        for kind, named in self.policies.actions.inbox.items():
            if role in self.policies.roles(named):
                groups["all"].append(kind)
        tests = [is_one_of("kind", groups["all"])] if groups["all"] else []
        if groups["region"]:
            scope = self.scope("region")
            tests.append(
                f"{is_one_of('kind', groups['region'])} AND ({within(scope, scope.by['party'], 'party_id')})"
            )
        return any_of(tests)


def inbox_measures(policies: Policies) -> list[str]:
    """Return the measures that outside parties submit."""
    submitted = [kind for action in policies.actions.action.values() for kind in action.submits]
    return [kind for kind in submitted if kind not in policies.actions.inbox]
