"""Objects by the keys in their ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.errors import NotFound
from app.services.grants import reads_kind
from app.services.views import history
from app.services.views.plans import PlanView, plan_view
from app.services.views.records import LinkTree, Record, records_by_code
from app.services.views.runs import RunView, find_run
from app.store.branches import At, resolve
from app.store.database import Transaction
from app.vocabulary import ENTITIES

NodeView = Record | history.CommitView | history.BranchView | history.VersionView | PlanView | RunView


@dataclass(frozen=True, slots=True)
class NodeKey:
    """What an id says: an entity kind, or Commit, Branch, Version, Plan or Run, and the key within it."""

    kind: str
    key: str


async def find_nodes(
    tx: Transaction, at: At, keys: Sequence[NodeKey], links: Mapping[str, LinkTree]
) -> list[NodeView | None]:
    """Return the objects, each at its place; None where there is none that the caller may read.

    Reference data is read as it was at `at`, one read a kind for all ids together.
    """
    records = await _records(tx, at, [key for key in keys if key.kind in ENTITIES], links)
    return [
        records.get((key.kind, key.key)) if key.kind in ENTITIES else await _found(tx, key) for key in keys
    ]


async def _records(
    tx: Transaction, at: At, keys: Sequence[NodeKey], links: Mapping[str, LinkTree]
) -> dict[tuple[str, str], Record]:
    wanted: dict[str, set[str]] = {}
    for key in keys:
        if reads_kind(tx.scope, key.kind):
            wanted.setdefault(key.kind, set()).add(key.key)
    if not wanted:
        return {}
    state = await resolve(tx, at)
    found: dict[tuple[str, str], Record] = {}
    for kind, codes in sorted(wanted.items()):
        found |= await records_by_code(tx, state, kind, codes, links.get(kind))
    return found


async def _found(tx: Transaction, key: NodeKey) -> NodeView | None:
    """Return one object that is no reference data."""
    try:
        match key.kind:
            case "Commit":
                return await history.find_commit(tx, int(key.key))
            case "Plan":
                return await plan_view(tx, At(commit=int(key.key)))
            case "Branch":
                return await history.find_branch(tx, key.key)
            case "Version":
                return await history.find_version(tx, key.key)
            case "Run":
                return await find_run(tx, key.key)
    except NotFound:
        return None
    return None
