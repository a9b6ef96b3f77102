"""What a party hands in: checked against what was released to it, and in the inbox when the call returns.

The same idempotency key with the same content gives the same answer again, also after the response was due;
with another content it is refused.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import orjson

from app.access import Scope
from app.errors import BadValue, NotFound, ReleaseSuperseded, ResponsePastDue
from app.services.grants import require_action
from app.services.parties.checks import Problems, check_note
from app.services.parties.commits import LineAnswer, commit_payload
from app.services.parties.reading import CUSTOMER, SUPPLIER, own_party
from app.services.parties.signals import Basis, Series, SignalKind, capacity_payload, signal_payload
from app.services.parties.states import (
    ACKNOWLEDGEMENT,
    CAPACITY,
    COMMIT,
    SIGNALS,
    SubmissionView,
    submission_view,
)
from app.store.database import Database, Transaction
from app.store.inbox import find_submission, lock_inbox, submit
from app.store.releases import Release, ReleasedItem, ReleasedProjection, find_release, read_lines

LONGEST_KEY = 200
MEASURES: Mapping[SignalKind, str] = {
    SignalKind.FORECAST: "customerSignal",
    SignalKind.ORDER_FORECAST: "customerSignal",
    SignalKind.SELL_OUT: "pointOfSale",
    SignalKind.STOCK: "customerStock",
}
"""The measure that each kind of demand signal states."""

ACTIONS: Mapping[str, str] = {
    ACKNOWLEDGEMENT: "projectionAcknowledge",
    COMMIT: "forecastCommitSubmit",
    CAPACITY: "capacitySubmit",
    **dict.fromkeys(SIGNALS, "demandSignalSubmit"),
}
"""The action of policies/actions.toml behind each kind of submission."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who hands in, when, and under which idempotency key."""

    scope: Scope
    today: date
    idempotency_key: str


async def acknowledge(database: Database, caller: Caller, release: int, note: str | None) -> SubmissionView:
    """Note that a supplier has read a release; it can be done late, but not for a release since replaced."""
    content = {"release": release, "note": note}
    async with database.write(caller.scope) as tx:
        inbox = await _Inbox.open(tx, SUPPLIER, caller, ACKNOWLEDGEMENT, content)
        if inbox.known is None:
            await inbox.answerable(release)
            problems = Problems()
            check_note(problems, ("note",), note)
            problems.raise_any()
            return await inbox.append(content)
        return inbox.known


async def submit_commit(
    database: Database, caller: Caller, release: int, answers: Sequence[LineAnswer]
) -> SubmissionView:
    """Take a supplier's forecast commit to a release in; raises Rejected if anything in it is wrong."""
    content = {"release": release, "answers": answers}
    async with database.write(caller.scope) as tx:
        inbox = await _Inbox.open(tx, SUPPLIER, caller, COMMIT, content)
        if inbox.known is not None:
            return inbox.known
        answered = await inbox.answerable(release, by=caller.today)
        lines = await read_lines(tx, ReleasedProjection, own_party(tx), answered.ordinal)
        return await inbox.append(commit_payload(answered, lines, answers))


async def submit_capacity(database: Database, caller: Caller, series: Sequence[Series]) -> SubmissionView:
    """Take in what a supplier can deliver, in the buckets of its latest release; raises Rejected."""

    def payload(release: Release, items: Sequence[ReleasedItem]) -> Mapping[str, object]:
        return capacity_payload(release, items, series, today=caller.today)

    return await _submit_series(
        database, caller, SUPPLIER, CAPACITY, content={"series": series}, payload=payload
    )


async def submit_signal(
    database: Database, caller: Caller, kind: SignalKind, basis: Basis, series: Sequence[Series]
) -> SubmissionView:
    """Take a customer's demand signal in, against its latest release; raises Rejected."""

    def payload(release: Release, items: Sequence[ReleasedItem]) -> Mapping[str, object]:
        return signal_payload(release, items, kind, basis, series, today=caller.today)

    content = {"kind": kind, "basis": basis, "series": series}
    return await _submit_series(database, caller, CUSTOMER, MEASURES[kind], content=content, payload=payload)


async def _submit_series(
    database: Database,
    caller: Caller,
    audience: str,
    kind: str,
    *,
    content: Mapping[str, object],
    payload: Callable[[Release, Sequence[ReleasedItem]], Mapping[str, object]],
) -> SubmissionView:
    async with database.write(caller.scope) as tx:
        inbox = await _Inbox.open(tx, audience, caller, kind, content)
        if inbox.known is not None:
            return inbox.known
        release = inbox.require_latest()
        items = await read_lines(tx, ReleasedItem, own_party(tx), release.ordinal, audience=audience)
        return await inbox.append(payload(release, items))


@dataclass(frozen=True, slots=True)
class _Inbox:
    """One party's inbox, locked: `known` is what was handed in under this key before."""

    tx: Transaction
    audience: str
    kind: str
    caller: Caller
    request_hash: bytes
    latest: Release | None
    known: SubmissionView | None

    @classmethod
    async def open(
        cls, tx: Transaction, audience: str, caller: Caller, kind: str, content: Mapping[str, object]
    ) -> "_Inbox":
        """Lock the inbox and look the key up; raises IdempotencyConflict for another content."""
        require_action(caller.scope, ACTIONS[kind])
        _check_key(caller.idempotency_key)
        request_hash = content_hash(kind, content)
        party_id, key = own_party(tx), caller.idempotency_key
        await lock_inbox(tx, party_id, audience)
        known = await find_submission(tx, party_id, audience, key, request_hash)
        latest = await find_release(tx, party_id, audience)
        view = None if known is None else submission_view(known, latest)
        return cls(tx, audience, kind, caller, request_hash, latest, view)

    def require_latest(self) -> Release:
        """Return the latest release; raises NotFound before the first one."""
        if self.latest is None:
            raise NotFound(kind="release", name="yet")
        return self.latest

    async def answerable(self, number: int, *, by: date | None = None) -> Release:
        """Return the release with this number, if it is still the latest and (with `by`) not past due."""
        latest = self.require_latest()
        if number > latest.ordinal or number < 1:
            raise NotFound(kind="release", name=number, field=("release",))
        if number < latest.ordinal:
            raise ReleaseSuperseded(release=number, latest=latest.ordinal, field=("release",))
        if by is not None and latest.response_due is not None and by > latest.response_due:
            raise ResponsePastDue(release=number, due=latest.response_due, field=("release",))
        return latest

    async def append(self, payload: Mapping[str, object]) -> SubmissionView:
        """Write the submission."""
        submission = await submit(
            self.tx,
            own_party(self.tx),
            self.audience,
            kind=self.kind,
            payload=payload,
            idempotency_key=self.caller.idempotency_key,
            request_hash=self.request_hash,
        )
        return submission_view(submission, self.latest)


def content_hash(kind: str, content: Mapping[str, object]) -> bytes:
    """Return the SHA-256 of what was asked for, whatever the order of its names."""
    return hashlib.sha256(orjson.dumps([kind, content], option=orjson.OPT_SORT_KEYS)).digest()


def _check_key(key: str) -> None:
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
        expected = f"1 to {LONGEST_KEY} printable characters"
        raise BadValue(field=("idempotencyKey",), expected=expected, found=f"{len(key)} characters")
