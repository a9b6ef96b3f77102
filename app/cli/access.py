"""`access`: who sees and does what, as the policies say it."""

from __future__ import annotations

from app.access import load
from app.access.matrix import render
from app.cli.output import Json, answer, command, say


@command
def access(json: Json = False) -> None:
    """Print the matrix of roles, measures, reference data and actions (docs/access.md).

    Example: python -m app access
    """
    policies = load()
    data = {
        "roles": {name: role.doc for name, role in policies.parties.role.items()},
        "measures": policies.measures,
        "kinds": policies.kinds,
        "actions": {name: action.roles for name, action in policies.actions.action.items()},
    }
    answer(data, json=json, text=lambda: say(render(policies)))
