"""Commits, branches and published versions, each found again by a key of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from app.errors import NotFound, NotGranted
from app.services.grants import reads_column
from app.services.views.pages import Page, page_of
from app.store import listings
from app.store.branches import Branch, Commit, branch, commit, commits, commits_by_id
from app.store.database import Transaction
from app.store.listings import PublishedVersion


@dataclass(frozen=True, slots=True)
class CommitView:
    """A commit as the graph shows it."""

    number: int
    branch: str
    author: str
    at: datetime
    reason: str
    message: str
    plan_date: date | None
    rule: str | None
    parent: int | None
    inputs: int | None

    @property
    def node_key(self) -> str:
        """The commit's number."""
        return str(self.number)


@dataclass(frozen=True, slots=True)
class BranchView:
    """A branch with its latest commit."""

    name: str
    state: str
    created_by: str
    created_at: datetime
    head: CommitView | None

    @property
    def node_key(self) -> str:
        """The branch's name."""
        return self.name


@dataclass(frozen=True, slots=True)
class VersionView:
    """A published version with the commit that it seals."""

    number: int
    name: str
    kind: str
    sealed: str | None
    """The hash in hexadecimal digits; None where the role may not read it."""
    published_by: str
    published_at: datetime
    commit: CommitView

    @property
    def node_key(self) -> str:
        """The version's name."""
        return self.name

    @property
    def sealed_hash(self) -> str:
        """The hash; raises `NotGranted` where the role may not read it."""
        if self.sealed is None:
            raise NotGranted
        return self.sealed


def commit_view(found: Commit) -> CommitView:
    """Return a commit as the graph shows it."""
    return CommitView(
        number=found.id,
        branch=found.branch,
        author=found.author,
        at=found.at,
        reason=found.reason,
        message=found.message,
        plan_date=found.plan_date,
        rule=found.rule,
        parent=found.parent_id,
        inputs=found.inputs_commit_id,
    )


async def find_commit(tx: Transaction, number: int) -> CommitView:
    """Return a commit; raises `NotFound`."""
    return commit_view(await commit(tx, number))


async def commit_page(tx: Transaction, name: str, limit: int, after: str | None) -> Page[CommitView]:
    """Return what a branch sees, newest first: its own commits, then those before its fork."""
    before = None if after is None else int(after)
    found = await commits(tx, name, first=limit + 1, before=before)
    return page_of([commit_view(each) for each in found], limit, lambda each: each.node_key)


async def branch_page(tx: Transaction, limit: int, after: str | None) -> Page[BranchView]:
    """Return the branches by name, each with its head."""
    found = await listings.branch_page(tx, after=after, first=limit + 1)
    heads = await commits_by_id(tx, (each.head for each in found))
    return page_of([_branch_view(each, heads) for each in found], limit, lambda each: each.name)


async def find_branch(tx: Transaction, name: str) -> BranchView:
    """Return a branch with its head; raises `NotFound`."""
    found = await branch(tx, name)
    return _branch_view(found, await commits_by_id(tx, [found.head]))


def _branch_view(found: Branch, heads: Mapping[int, Commit]) -> BranchView:
    head = heads.get(found.head)
    return BranchView(
        name=found.name,
        state=found.state,
        created_by=found.created_by,
        created_at=found.created_at,
        head=None if head is None else commit_view(head),
    )


async def version_page(tx: Transaction, limit: int, after: str | None) -> Page[VersionView]:
    """Return the published versions, newest first."""
    before = None if after is None else int(after)
    found = await listings.version_page(tx, before=before, first=limit + 1, hashes=_reads_hashes(tx))
    sealed = await commits_by_id(tx, (each.commit_id for each in found))
    views = [_version_view(each, sealed[each.commit_id]) for each in found]
    return page_of(views, limit, lambda each: str(each.number))


async def next_versions(tx: Transaction, number: int, limit: int) -> list[VersionView]:
    """Return the versions published after the one with a number, the earliest first."""
    found = await listings.versions_after(tx, number, first=limit, hashes=_reads_hashes(tx))
    sealed = await commits_by_id(tx, (each.commit_id for each in found))
    return [_version_view(each, sealed[each.commit_id]) for each in found]


async def latest_version_number(tx: Transaction) -> int:
    """Return the number of the version published last, 0 before the first."""
    found = await listings.version_page(tx, first=1, hashes=False)
    return found[0].id if found else 0


async def find_version(tx: Transaction, name: str) -> VersionView:
    """Return a version by name; raises `NotFound`."""
    found = await listings.version_named(tx, name, hashes=_reads_hashes(tx))
    if found is None:
        raise NotFound(kind="version", name=name)
    return _version_view(found, await commit(tx, found.commit_id))


async def version_of(tx: Transaction, state: Commit) -> VersionView | None:
    """Return the version that a state was published as last; None if it was not."""
    found = await listings.latest_version_of(tx, state.id, hashes=_reads_hashes(tx))
    return None if found is None else _version_view(found, state)


def _reads_hashes(tx: Transaction) -> bool:
    return reads_column(tx.scope, "plan.version", "sealed_hash")


def _version_view(found: PublishedVersion, sealed: Commit) -> VersionView:
    return VersionView(
        number=found.id,
        name=found.name,
        kind=found.kind,
        sealed=found.sealed_hash,
        published_by=found.published_by,
        published_at=found.published_at,
        commit=commit_view(sealed),
    )
