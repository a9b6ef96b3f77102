"""Where a released line or a submission stands, as far as its party can tell from its own rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from math import nan
from typing import Any

from app.store.inbox import Submission
from app.store.releases import Release, ReleasedProjection

ACKNOWLEDGEMENT = "acknowledgement"
COMMIT = "supplierCommit"
CAPACITY = "supplierCapacity"
SIGNALS = ("customerSignal", "pointOfSale", "customerStock")


class LineState(StrEnum):
    """States of a supplier's line; those between a commit and its agreement come with the cycle."""

    PUBLISHED = "published"
    ACKNOWLEDGED = "acknowledged"
    COMMITTED = "committed"
    EXPIRED = "expired"


class SubmissionState(StrEnum):
    """States of a submission; what is in the inbox has been validated."""

    VALIDATED = "validated"
    INCLUDED = "included"
    REJECTED = "rejected"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class SubmissionView:
    """A submission with its state; the payload is what was handed in."""

    ordinal: int
    kind: str
    release: int
    state: SubmissionState
    submitted_by: str
    submitted_at: datetime
    reason: str | None
    decided_at: datetime | None
    payload: Mapping[str, Any]

    @property
    def node_key(self) -> str:
        """The party's own count."""
        return str(self.ordinal)


def submission_view(submission: Submission, latest: Release | None) -> SubmissionView:
    """Return a submission with its state; it is answered once a release stands on a plan that took it in."""
    state = SubmissionState.VALIDATED if submission.state is None else SubmissionState(submission.state)
    answered = latest is not None and submission.ordinal <= latest.answered_through
    if state is SubmissionState.INCLUDED and answered and submission.kind != ACKNOWLEDGEMENT:
        state = SubmissionState.ANSWERED
    return SubmissionView(
        ordinal=submission.ordinal,
        kind=submission.kind,
        release=int(submission.payload["release"]),
        state=state,
        submitted_by=submission.submitted_by,
        submitted_at=submission.submitted_at,
        reason=submission.reason,
        decided_at=submission.decided_at,
        payload=submission.payload,
    )


@dataclass(frozen=True, slots=True)
class ProjectionLine:
    """A released projection line, its attributes as its own, with what the supplier has said to it.

    `promised` holds the last promise by released bucket, NaN where it said nothing.
    """

    release: Release
    line: ReleasedProjection
    state: LineState
    promised: tuple[float, ...]

    def __getattr__(self, name: str) -> object:
        """Return an attribute of the line."""
        return getattr(self.line, name)

    @property
    def changes(self) -> tuple[float, ...]:
        """Quantity less that of the previous release for the same dates; NaN where nothing compares."""
        return tuple(
            now - before for now, before in zip(self.line.quantities, self.line.previous, strict=True)
        )

    @property
    def node_key(self) -> str:
        """Release and line number."""
        return f"{self.release.ordinal}/{self.line.line}"


def projection_lines(
    release: Release, latest: Release, lines: Sequence[ReleasedProjection], said: Iterable[Submission]
) -> list[ProjectionLine]:
    """Return the lines of a release with state and promises; `said` is this release's submissions."""
    oldest_first = sorted((entry for entry in said if entry.state != "rejected"), key=lambda s: s.ordinal)
    acknowledged = any(entry.kind == ACKNOWLEDGEMENT for entry in oldest_first)
    promised = _promises(release, oldest_first)
    views = []
    for line in lines:
        own = promised.get(line.line)
        state = _line_state(release, latest, acknowledged=acknowledged, committed=own is not None)
        views.append(ProjectionLine(release, line, state, own or (nan,) * len(release.starts)))
    return views


def _line_state(release: Release, latest: Release, *, acknowledged: bool, committed: bool) -> LineState:
    if release.ordinal < latest.ordinal:
        return LineState.EXPIRED
    if committed:
        return LineState.COMMITTED
    return LineState.ACKNOWLEDGED if acknowledged else LineState.PUBLISHED


def _promises(release: Release, oldest_first: Iterable[Submission]) -> dict[int, tuple[float, ...]]:
    """Return the promise by line number; a later submission replaces an earlier one bucket by bucket."""
    place = {start: ordinal for ordinal, start in enumerate(release.starts)}
    promised: dict[int, list[float]] = {}
    for submission in oldest_first:
        for line in submission.payload["lines"] if submission.kind == COMMIT else ():
            own = promised.setdefault(line["line"], [nan] * len(release.starts))
            for promise in line["promises"]:
                own[place[date.fromisoformat(promise["start"])]] = promise["quantity"]
    return {line: tuple(values) for line, values in promised.items()}
