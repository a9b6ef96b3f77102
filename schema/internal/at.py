"""From the graph's `at:` to the store's."""

from strawberry import UNSET
from strawberry.types import Info

from app.errors import BadId
from app.store.branches import At
from schema.context import Context
from schema.types.at import PlanAt


def commit_key(info: Info[Context, None], text: str) -> int:
    """Return the number of the commit that an id names; a plan's id names its commit as well."""
    kind, key = info.context.ids.decode_any(text)
    if kind not in {"Commit", "Plan"}:
        raise BadId
    return int(key)


def chosen_at(info: Info[Context, None], at: PlanAt | None) -> At:
    """Return the state asked for as the store takes it; null is the store's default."""
    if at is None:
        return At()
    given = {name: value for name, value in vars(at).items() if value is not UNSET and value is not None}
    if "commit" in given:
        given["commit"] = commit_key(info, str(given["commit"]))
    return At(**given)
