"""Four eyes: where policies/actions.toml asks for it, who did the first act does not do the second.

Concord's own work and the command line stand for the company, not for a person, and are not held to it.
"""

from collections.abc import Collection, Mapping

from app.access import Scope, load
from app.access.model import FirstPair
from app.errors import SecondPersonNeeded

FIRST: Mapping[FirstPair, str] = {
    "reconciled": "asked for this plan",
    "changed": "changed the scenario",
}
"""What the first person did, in words."""


def require_second(scope: Scope, action: str, first: Collection[str]) -> None:
    """Raise `SecondPersonNeeded` where the action asks for four eyes and the caller is among the first."""
    asked = load().actions.action[action]
    if scope.principal is None or not asked.four_eyes or asked.first_pair is None:
        return
    if scope.subject in first:
        raise SecondPersonNeeded(first=FIRST[asked.first_pair], action=action)
