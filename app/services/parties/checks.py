"""What every submission is checked for, and how all its problems are collected before it is refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from math import isfinite

from app.errors import BadValue, ConcordError, Rejected, UnknownKey
from app.store.releases import Release, ReleasedItem
from app.vocabulary import Bucket

MAX_QUANTITY = 1e12
MAX_ROWS = 20_000
LONGEST_NOTE = 2_000

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Problems:
    """Collects what is wrong, each with the path of its field and the row of the list it stands in.

    The row is the first number of the path: the entry of the input's outermost list.
    """

    found: list[ConcordError] = field(default_factory=list)

    def bad_value(self, path: Path, expected: str, found: object) -> None:
        """Note a field that holds what it may not."""
        self.found.append(BadValue(field=path, row=_row(path), expected=expected, found=found))

    def unknown(self, path: Path, kind: str, name: object) -> None:
        """Note a code that means nothing to this party; what others know by it makes no difference."""
        self.found.append(UnknownKey(field=path, row=_row(path), kind=kind, name=name))

    def raise_any(self) -> None:
        """Raise `Rejected` with all problems, if there are any."""
        if self.found:
            raise Rejected(self.found)


def _row(path: Path) -> int | None:
    return next((part for part in path if isinstance(part, int)), None)


def check_quantity(problems: Problems, path: Path, quantity: float, *, positive: bool = False) -> None:
    """Note a quantity that is not finite, negative, absurdly large or (if it must be positive) zero."""
    if not isfinite(quantity) or not 0 <= quantity <= MAX_QUANTITY or (positive and quantity == 0):
        expected = (
            f"a finite quantity {'above 0' if positive else 'of at least 0'} and at most {MAX_QUANTITY:g}"
        )
        problems.bad_value(path, expected, quantity)


def check_rows(problems: Problems, path: Path, rows: Sequence[object]) -> None:
    """Note an empty list; refuse one that is longer than one submission may be without a look at its rows."""
    if not 1 <= len(rows) <= MAX_ROWS:
        problems.bad_value(path, f"1 to {MAX_ROWS} entries", f"{len(rows)} entries")
    if len(rows) > MAX_ROWS:
        problems.raise_any()


def check_note(problems: Problems, path: Path, note: str | None) -> None:
    """Note a remark that is longer than anybody reads."""
    if note is not None and len(note) > LONGEST_NOTE:
        problems.bad_value(path, f"at most {LONGEST_NOTE} characters", f"{len(note)} characters")


def released_buckets(release: Release) -> tuple[Bucket, ...]:
    """Return the buckets of a release, ordinals counted from 0."""
    edges = zip(release.starts, release.ends, strict=True)
    return tuple(Bucket(ordinal, start, end) for ordinal, (start, end) in enumerate(edges))


def bucket_starting(buckets: Sequence[Bucket], day: date) -> Bucket | None:
    """Return the bucket that starts on `day`; None if none does."""
    return next((bucket for bucket in buckets if bucket.start == day), None)


def bucket_holding(buckets: Sequence[Bucket], day: date) -> Bucket | None:
    """Return the bucket that `day` lies in; None outside the release's calendar."""
    return next((bucket for bucket in buckets if bucket.start <= day < bucket.end), None)


def check_start(
    problems: Problems, path: Path, buckets: Sequence[Bucket], day: date, taken: set[date]
) -> Bucket | None:
    """Return the bucket that starts on `day`, or note that none does or that it was named before."""
    bucket = bucket_starting(buckets, day)
    if bucket is None:
        problems.bad_value(path, f"the first day of a released bucket, such as {buckets[0].start}", day)
    elif day in taken:
        problems.bad_value(path, "each bucket once", day)
    taken.add(day)
    return bucket


def find_item(
    problems: Problems, path: Path, items: Sequence[ReleasedItem], item: str, code: str | None, *, owner: str
) -> ReleasedItem | None:
    """Return the catalogue line of an item, named by the party's own code of it or the host's.

    `code` is the supplier or sold-to code, given in field `owner`; it may be left out where one alone deals
    in the item.
    """
    named = [line for line in items if item in (line.party_item, line.item)]
    if not named:
        problems.unknown((*path, "item"), "item", item)
        return None
    own = [line for line in named if line.party_item == item] or named
    chosen = [line for line in own if code in (None, line.code)]
    if not chosen:
        problems.unknown((*path, owner), f"{owner} code of yours for this item:", code)
    elif len(chosen) > 1:
        codes = ", ".join(sorted(line.code for line in chosen))
        problems.bad_value((*path, owner), f"one of your codes {codes}", code)
        return None
    return chosen[0] if chosen else None
