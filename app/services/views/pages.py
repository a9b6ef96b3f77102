"""Pages: a bounded stretch of an ordered answer, and the keys after which the next one starts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows in order, for each the key to resume after, and whether more rows follow."""

    rows: tuple[T, ...]
    resume_keys: tuple[str, ...]
    has_next: bool

    def map(self, change: Callable[[T], S]) -> "Page[S]":
        """Return the same page with other rows."""
        return Page(tuple(map(change, self.rows)), self.resume_keys, self.has_next)


def page_of(rows: Sequence[T], limit: int, key: Callable[[T], str]) -> Page[T]:
    """Return the first `limit` of `rows`, which hold one more than that where more rows follow."""
    kept = tuple(rows[:limit])
    return Page(kept, tuple(key(row) for row in kept), len(rows) > limit)


def page_after(rows: Sequence[T], limit: int, after: str | None, key: Callable[[T], str]) -> Page[T]:
    """Return the `limit` rows that follow the key `after`; `rows` are complete and in the order of `key`."""
    rest = rows if after is None else [row for row in rows if key(row) > after]
    return page_of(rest[: limit + 1], limit, key)
