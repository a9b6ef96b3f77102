"""A customer's supply answers, with what follows from them: what is confirmed, and what has changed."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.services.parties.reading import CUSTOMER, LATEST, At, Paged, history, line_node, lines
from app.services.views.pages import Page
from app.store.database import Transaction
from app.store.releases import Release, ReleasedAnswer


@dataclass(frozen=True, slots=True)
class SupplyAnswerLine:
    """A released answer, its attributes as its own."""

    release: Release
    line: ReleasedAnswer

    def __getattr__(self, name: str) -> object:
        """Return an attribute of the line."""
        return getattr(self.line, name)

    @property
    def node_key(self) -> str:
        """Release and line number."""
        return f"{self.release.ordinal}/{self.line.line}"

    @property
    def confirmed(self) -> tuple[float, ...]:
        """What is delivered of each request, on time or late."""
        return _pairwise(self.line.on_time, self.line.late, 1.0)

    @property
    def changes(self) -> tuple[float, ...]:
        """Confirmed less what the release before confirmed for the same dates; NaN where nothing compares."""
        return _pairwise(self.confirmed, self.line.previous, -1.0)


def _pairwise(first: Iterable[float], second: Iterable[float], sign: float) -> tuple[float, ...]:
    return tuple(one + sign * other for one, other in zip(first, second, strict=True))


async def supply_answers(
    tx: Transaction, paged: Paged, *, at: At = LATEST, item: str | None = None
) -> Page[SupplyAnswerLine]:
    """Return a customer's answers in a release, in order."""
    page = await lines(tx, CUSTOMER, ReleasedAnswer, paged, at=at, item=item)
    rows = tuple(SupplyAnswerLine(row.release, row.line) for row in page.rows)
    return Page(rows, page.resume_keys, page.has_next)


async def answer_history(
    tx: Transaction, paged: Paged, *, item: str, customer: str | None = None, ship_to: str | None = None
) -> Page[SupplyAnswerLine]:
    """Return what all releases answered on an item, the latest first."""
    own = {"customer": customer, "ship_to": ship_to}
    page = await history(tx, CUSTOMER, ReleasedAnswer, paged, item=item, narrowed=own)
    return page.map(lambda row: SupplyAnswerLine(row.release, row.line))


async def answer_node(tx: Transaction, key: str) -> SupplyAnswerLine | None:
    """Return the answer that a node key names."""
    row = await line_node(tx, CUSTOMER, ReleasedAnswer, key)
    return None if row is None else SupplyAnswerLine(row.release, row.line)
