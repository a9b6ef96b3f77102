"""What a party reads: its releases, the lines in them and what became of its own submissions.

One statement for the release, one for its lines, one for the party's own submissions to it: the number does
not depend on how many lines there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from app.errors import NotFound, ScopeMissing
from app.services.parties.states import (
    ACKNOWLEDGEMENT,
    COMMIT,
    ProjectionLine,
    SubmissionView,
    projection_lines,
    submission_view,
)
from app.services.views.pages import Page, page_of
from app.store.database import Transaction
from app.store.inbox import list_submissions
from app.store.releases import (
    Release,
    ReleasedAnswer,
    ReleasedItem,
    ReleasedProjection,
    ReleasedPurchaseOrder,
    ReleasedSalesOrder,
    find_release,
    list_releases,
    read_line_history,
    read_lines,
    releases_after,
    releases_numbered,
)

SUPPLIER, CUSTOMER = "supplier", "customer"

PlainLine = ReleasedProjection | ReleasedItem | ReleasedPurchaseOrder | ReleasedAnswer | ReleasedSalesOrder
Row = TypeVar("Row", bound=PlainLine)


@dataclass(frozen=True, slots=True)
class At:
    """Which release: by its number, or the latest one at a moment; neither = the latest."""

    release: int | None = None
    time: datetime | None = None


LATEST = At()


@dataclass(frozen=True, slots=True)
class Released(Generic[Row]):
    """A line with the release that it stands in; it has the line's attributes as its own."""

    release: Release
    line: Row

    def __getattr__(self, name: str) -> object:
        """Return an attribute of the line."""
        return getattr(self.line, name)

    @property
    def node_key(self) -> str:
        """Release and line number."""
        return f"{self.release.ordinal}/{self.line.line}"


@dataclass(frozen=True, slots=True)
class Viewer:
    """The calling party on one side: its codes and name are those of its latest release."""

    party: str
    audience: str
    role: str
    subject: str
    name: str | None = None
    codes: tuple[str, ...] = ()
    release: Release | None = None


@dataclass(frozen=True, slots=True)
class Paged:
    """Which stretch of a list to read, the latest or first entry first."""

    limit: int
    after: str | None = None

    @property
    def number(self) -> int | None:
        """The number that the stretch starts after; cursors hold nothing else."""
        return None if self.after is None else int(self.after)


def own_party(tx: Transaction) -> int:
    """Return the id of the calling party; there is none in the scopes of Concord's own work."""
    if tx.scope.party_id is None:
        raise ScopeMissing
    return tx.scope.party_id


async def viewer(tx: Transaction, audience: str, at: At = LATEST) -> Viewer:
    """Return who is calling, with the codes that a release named; raises NotFound for an unknown one."""
    principal = tx.scope.principal
    if principal is None or principal.party is None:
        raise ScopeMissing
    party = Viewer(principal.party, audience, principal.role, principal.subject)
    release = await release_at(tx, audience, at)
    if release is None:
        return party
    items = await read_lines(tx, ReleasedItem, own_party(tx), release.ordinal, audience=audience)
    codes = tuple(sorted({item.code for item in items}))
    return replace(party, name=release.party_name, codes=codes, release=release)


async def release_at(tx: Transaction, audience: str, at: At = LATEST) -> Release | None:
    """Return the release that `at` names; None before the first one.

    Raises NotFound for a number or moment that this party was given no release for.
    """
    release = await find_release(tx, own_party(tx), audience, ordinal=at.release, at=at.time)
    if release is None and at != LATEST:
        raise NotFound(kind="release", name=at.release if at.time is None else at.time.isoformat())
    return release


async def releases(tx: Transaction, audience: str, paged: Paged, at: At = LATEST) -> Page[Release]:
    """Return the party's releases up to the one that `at` names, the latest first.

    Raises NotFound for a number or moment that this party was given no release for.
    """
    last = None if at == LATEST else await release_at(tx, audience, at)
    ends = [number for number in (paged.number, None if last is None else last.ordinal + 1) if number]
    before = min(ends, default=None)
    found = await list_releases(tx, own_party(tx), audience, limit=paged.limit + 1, before=before)
    return page_of(found, paged.limit, lambda release: str(release.ordinal))


async def next_releases(tx: Transaction, audience: str, number: int, limit: int) -> list[Release]:
    """Return the party's releases after the one with a number, the earliest first."""
    return await releases_after(tx, own_party(tx), audience, number, limit=limit)


async def lines(
    tx: Transaction,
    audience: str,
    row_type: type[Row],
    paged: Paged,
    *,
    at: At = LATEST,
    item: str | None = None,
) -> Page[Released[Row]]:
    """Return the lines of one kind in a release, in order; nothing before the first release."""
    release = await release_at(tx, audience, at)
    if release is None:
        return page_of([], paged.limit, _line_number)
    found = await read_lines(
        tx,
        row_type,
        own_party(tx),
        release.ordinal,
        audience=audience,
        item=item,
        after=-1 if paged.number is None else paged.number,
        limit=paged.limit + 1,
    )
    return page_of([Released(release, line) for line in found], paged.limit, _line_number)


def _line_number(row: Released[Row]) -> str:
    return str(row.line.line)


async def projections(
    tx: Transaction, paged: Paged, *, at: At = LATEST, item: str | None = None
) -> Page[ProjectionLine]:
    """Return a supplier's projection lines with what it has said to each."""
    page = await lines(tx, SUPPLIER, ReleasedProjection, paged, at=at, item=item)
    if not page.rows:
        return Page((), (), page.has_next)
    release = page.rows[0].release
    latest = release if at == LATEST else await release_at(tx, SUPPLIER)
    said = await list_submissions(
        tx, own_party(tx), SUPPLIER, (ACKNOWLEDGEMENT, COMMIT), releases=[release.ordinal]
    )
    views = projection_lines(release, latest or release, [row.line for row in page.rows], said)
    return Page(tuple(views), page.resume_keys, page.has_next)


async def projection_history(
    tx: Transaction, paged: Paged, *, item: str, supplier: str | None = None, site: str | None = None
) -> Page[ProjectionLine]:
    """Return what all releases projected of an item, the latest first, with what was said to each."""
    own = {"supplier": supplier, "site": site}
    page = await history(tx, SUPPLIER, ReleasedProjection, paged, item=item, narrowed=own)
    numbers = {row.release.ordinal: row.release for row in page.rows}
    if not numbers:
        return Page((), (), page.has_next)
    latest = await release_at(tx, SUPPLIER)
    said = await list_submissions(
        tx, own_party(tx), SUPPLIER, (ACKNOWLEDGEMENT, COMMIT), releases=sorted(numbers)
    )
    views: list[ProjectionLine] = []
    for number, release in numbers.items():
        rows = [row.line for row in page.rows if row.release.ordinal == number]
        to_it = [submission for submission in said if int(submission.payload["release"]) == number]
        views += projection_lines(release, latest or release, rows, to_it)
    return Page(tuple(views), page.resume_keys, page.has_next)


async def history(
    tx: Transaction,
    audience: str,
    row_type: type[Row],
    paged: Paged,
    *,
    item: str,
    narrowed: Mapping[str, str | None],
) -> Page[Released[Row]]:
    """Return the lines of an item in all releases with the `narrowed` values, the latest first."""
    before = None if paged.after is None else _numbers(paged.after)
    found = await read_line_history(
        tx, row_type, own_party(tx), item=item, narrowed=narrowed, before=before, limit=paged.limit + 1
    )
    numbers = {number for number, _ in found}
    heads = await releases_numbered(tx, own_party(tx), audience, sorted(numbers))
    rows = [Released(heads[number], line) for number, line in found]
    return page_of(rows, paged.limit, lambda row: row.node_key)


async def submissions(
    tx: Transaction, audience: str, kinds: Sequence[str], paged: Paged, *, at: At = LATEST
) -> Page[SubmissionView]:
    """Return the party's submissions of some kinds, the latest first: all, or those made to one release."""
    named = None if at == LATEST else await release_at(tx, audience, at)
    latest = await release_at(tx, audience)
    found = await list_submissions(
        tx,
        own_party(tx),
        audience,
        kinds,
        releases=None if named is None else [named.ordinal],
        before=paged.number,
        limit=paged.limit + 1,
    )
    views = [submission_view(submission, latest) for submission in found]
    return page_of(views, paged.limit, lambda view: str(view.ordinal))


async def release_node(tx: Transaction, audience: str, key: str) -> Release | None:
    """Return the release that a node key names."""
    return await find_release(tx, own_party(tx), audience, ordinal=int(key))


async def line_node(tx: Transaction, audience: str, row_type: type[Row], key: str) -> Released[Row] | None:
    """Return the line that a node key (release/line) names."""
    at, before = _place(key)
    page = await lines(tx, audience, row_type, before, at=at)
    return next((row for row in page.rows if row.node_key == key), None)


async def projection_node(tx: Transaction, key: str) -> ProjectionLine | None:
    """Return the projection line that a node key names, with what was said to it."""
    at, before = _place(key)
    page = await projections(tx, before, at=at)
    return next((row for row in page.rows if row.node_key == key), None)


async def submission_node(
    tx: Transaction, audience: str, kinds: Sequence[str], key: str
) -> SubmissionView | None:
    """Return the party's submission that a node key names."""
    page = await submissions(tx, audience, kinds, Paged(1, str(int(key) + 1)))
    return next((row for row in page.rows if row.node_key == key), None)


def _place(key: str) -> tuple[At, Paged]:
    """Return the release of a line's key, and the stretch of one line that holds it."""
    release, line = _numbers(key)
    return At(release), Paged(1, str(line - 1))


def _numbers(key: str) -> tuple[int, int]:
    """Return the release and line that a line's key names."""
    release, line = key.split("/")
    return int(release), int(line)
