"""The policies as a page for people: who sees which measure and kind, who does what, what is released.

`python -m app access` prints it; docs/access.md holds it, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.access.model import Action, Rule
from app.access.policies import Policies, load

HEAD = """# Who sees what, and who does what

Generated from `policies/` by `python -m app access`; do not edit. The database enforces it: each role is a
database role, each line a grant or a row policy (`app/access/compile.py`). An empty cell means: nothing.
"""

MEASURES = """`all` every series; `region` the series of customers in the regions assigned to the caller's
department; `site` the series of the sites assigned to it; `own` what concerns the party itself, through
releases or its own inbox. A department without an assignment is responsible for all.
"""

KINDS = """`region or general`: also rows that name no customer or party, because they hold for all.
"""


def render(policies: Policies | None = None) -> str:
    """Return the whole matrix as Markdown."""
    policies = policies or load()
    inside = policies.roles_of("internal")
    outside = [*policies.roles_of("supplier"), *policies.roles_of("customer")]
    parts = [
        HEAD,
        _section("Roles", "", _roles(policies)),
        _section(
            "Measures",
            MEASURES,
            _grid("measure", policies.measures, [*inside, "supplier", "customer"], policies),
        ),
        _section(
            "Measures whose reads go on record",
            "An audit event tells of every read by these roles.\n",
            _table(
                ("measure", "read by"),
                [(f"`{measure}`", ", ".join(sorted(roles))) for measure, roles in policies.sensitive.items()],
            ),
        ),
        _section("Reference data", KINDS, _grid("kind", policies.kinds, inside, policies)),
        _section(
            "Actions",
            "`caller`: the caller's own database role writes; `host`: the host's role, after the check.\n"
            "Four eyes: who did the first act may not do this one.\n",
            _actions(policies, [*inside, *outside]),
        ),
        _section("Measures submitted", "", _submits(policies)),
        _section("Rows of the tables", "", _rows(policies)),
        _section(
            "Columns kept back",
            "Columns that not every reader of the table sees; the host sees all.\n",
            _columns(policies),
        ),
        _section(
            "Releases", "What publication copies, and to whom: the only way out.\n", _releases(policies)
        ),
    ]
    return "\n".join(parts).rstrip("\n")


def _section(title: str, text: str, lines: Iterable[str]) -> str:
    body = "\n".join(lines)
    return f"## {title}\n\n{text}{chr(10) if text else ''}{body}\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_line(head), _line(["---"] * len(head)), *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _roles(policies: Policies) -> list[str]:
    rows = [
        (f"`{name}`", role.audience, f"`{role.database_role}`", role.doc)
        for name, role in policies.parties.role.items()
    ]
    return _table(("role", "audience", "database role", "who"), rows)


def _grid(
    head: str, rules: Mapping[str, Mapping[str, str]], columns: Sequence[str], policies: Policies
) -> list[str]:
    """Return a table of rules by role; a column may be a group, whose roles are always treated alike here."""
    rows = [
        (f"`{name}`", *(far.get(policies.roles([column])[0], "") for column in columns))
        for name, far in rules.items()
    ]
    return _table((head, *columns), rows)


def _actions(policies: Policies, roles: Sequence[str]) -> list[str]:
    rows = []
    for name, action in policies.actions.action.items():
        allowed = policies.roles(action.roles)
        rows.append(
            (
                f"`{name}`",
                *("yes" if role in allowed else "" for role in roles),
                action.carried_out_by,
                _eyes(action),
                ", ".join(action.state) or "any",
            )
        )
    return _table(("action", *roles, "as", "four eyes", "in states"), rows)


def _eyes(action: Action) -> str:
    """Return whether a second person is asked for, and who is the first."""
    if action.first_pair is None:
        return ""
    return f"{'on' if action.four_eyes else 'off'} (first: who {action.first_pair})"


def _submits(policies: Policies) -> list[str]:
    rows = [
        (f"`{role}`", ", ".join(f"`{m}`" for m in submits.measures), submits.within or "all")
        for role, submits in policies.actions.submits.items()
    ]
    for action in policies.actions.action.values():
        if action.submits:
            roles = ", ".join(f"`{role}`" for role in policies.roles(action.roles))
            rows.append((roles, ", ".join(f"`{m}`" for m in action.submits), "own"))
    return _table(("role", "measures", "within"), rows)


def _rows(policies: Policies) -> list[str]:
    rows = []
    for table, rules in policies.rows.items():
        by_rule: dict[str, list[str]] = {}
        for role, rule in rules.items():
            by_rule.setdefault(_rule(rule), []).append(role)
        text = "; ".join(f"{rule}: {', '.join(roles)}" for rule, roles in by_rule.items())
        rows.append((f"`{table}`", text))
    return _table(("table", "rows"), rows)


def _rule(rule: Rule) -> str:
    if isinstance(rule, str):
        return f"*{rule}*"
    return " and ".join(
        f"{column} {'is ' + ' or '.join(wanted) if isinstance(wanted, list) else '*' + wanted + '*'}"
        for column, wanted in rule.items()
    )


def _columns(policies: Policies) -> list[str]:
    rows = [
        (f"`{table}.{column}`", ", ".join(sorted(roles)) or "nobody")
        for table, columns in policies.fields.items()
        for column, roles in columns.items()
        if roles != frozenset(policies.rows[table])
    ]
    return _table(("column", "seen by"), rows)


def _releases(policies: Policies) -> list[str]:
    rows = [
        (
            f"`outside.{table}`",
            ", ".join(release.to),
            ", ".join(f"`{m}`" for m in release.measures),
            release.doc,
        )
        for table, release in policies.releases.items()
    ]
    kept = [("in the party's inbox", policies.submitted), ("not released yet", policies.withheld)]
    rows += [(where, "", ", ".join(f"`{m}`" for m in listed.measures), listed.doc) for where, listed in kept]
    return _table(("table", "to", "measures", "what"), rows)
