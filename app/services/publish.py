"""Publication: seals a reconciled plan as a version and releases to each party what it may see.

One transaction writes the version, all releases and the answer under the idempotency key, or nothing.
"""

from collections.abc import Iterable

from app.access import PUBLISHER, Scope, on_behalf
from app.errors import BadValue, PlanNotPublishable
from app.services.four_eyes import require_second
from app.services.grants import require_action
from app.services.releasing.copying import AUDIENCES, copy_out
from app.services.releasing.reading import read_plan
from app.services.releasing.view import Limit
from app.store.audit import Event, record
from app.store.branches import At, Commit, resolve
from app.store.database import Database, Transaction
from app.store.idempotency import given_answer, keep_answer, request_hash
from app.store.reconciliations import BindingLimit, read_limits, read_summary
from app.store.releases import lock_publication
from app.store.versions import Kind, Version, latest_final, seal, sealed_hash, version

OPTIMAL = "optimal"
LOWER = "activity_lower"
LONGEST_NAME = 200


async def publish(
    database: Database,
    scope: Scope,
    at: At,
    *,
    kind: Kind,
    name: str,
    idempotency_key: str | None = None,
) -> Version:
    """Publish the reconciled plan at a state as a draft round or final, and return the version.

    Only the result of a reconciliation proven optimal is published; anything else raises PlanNotPublishable.
    The same request under the same key is answered with the first version.
    """
    require_action(scope, "planPublish")
    _check(kind, name)
    async with database.write(on_behalf(PUBLISHER, scope)) as tx:
        commit = await resolve(tx, at)
        digest = request_hash({"act": "planPublish", "commit": commit.id, "kind": kind, "name": name})
        answer = None if idempotency_key is None else await given_answer(tx, idempotency_key, digest)
        if answer is not None:
            return await version(tx, str(answer["version"]))
        before = await latest_final(tx)
        made = await _publish(tx, commit, kind, name, scope)
        await record(tx, _event(commit, made, before, await sealed_hash(tx, made)))
        if idempotency_key is not None:
            await keep_answer(tx, idempotency_key, digest, {"version": made.name})
        return made


async def _publish(tx: Transaction, commit: Commit, kind: Kind, name: str, caller: Scope) -> Version:
    """Seal and release; publications take turns, so that releases are counted without gaps."""
    await _require_optimal(tx, commit)
    require_second(caller, "planPublish", {commit.author})
    await lock_publication(tx)
    made = await seal(tx, commit, name, kind, by=caller.subject)
    view = await read_plan(tx, commit, _limits(await read_limits(tx, commit)))
    await copy_out(tx, commit, view, kind, made.published_at)
    return made


def _event(commit: Commit, made: Version, before: Version | None, sealed: bytes) -> Event:
    """Return what the audit log says of it; `before` is the final version until then."""
    return Event(
        "publication",
        "planPublish",
        target=made.name,
        branch=commit.branch,
        before=None if before is None else before.commit_id,
        after=commit.id,
        detail={"kind": made.kind, "sealed_hash": sealed.hex()},
    )


async def _require_optimal(tx: Transaction, commit: Commit) -> None:
    """Raise PlanNotPublishable unless the commit is the result of a reconciliation proven optimal."""
    if commit.rule is None:
        raise PlanNotPublishable(reason="it holds inputs, not the result of a reconciliation")
    found = await read_summary(tx, commit)
    if found is None:
        raise PlanNotPublishable(reason="its reconciliation is not on record")
    if found.status != OPTIMAL:
        raise PlanNotPublishable(reason=f"its reconciliation ended {found.status}, not proven optimal")


def _limits(found: Iterable[BindingLimit]) -> tuple[Limit, ...]:
    """Return the limits of resources and suppliers that hold supply back in a bucket; a minimum does not."""
    return tuple(
        Limit(limit.ordinal, limit.resource, limit.supplier, limit.item)
        for limit in found
        if limit.ordinal is not None and limit.kind != LOWER and (limit.resource or limit.supplier)
    )


def _check(kind: str, name: str) -> None:
    if kind not in AUDIENCES:
        raise BadValue(field=("kind",), expected=" or ".join(AUDIENCES), found=kind)
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        expected = f"1 to {LONGEST_NAME} printable characters"
        raise BadValue(field=("name",), expected=expected, found=f"{len(name)} characters")
