"""`seriesSpread`: edits at a level, split over the series below it by a named rule."""

from datetime import date
from enum import Enum
from typing import Annotated, cast

import strawberry
from strawberry.types import Info

from app.services.spreading import requests
from app.services.spreading.writing import spread_series
from app.services.submit import Submitted
from schema.context import Context
from schema.internal.at import commit_key
from schema.internal.history import Commit
from schema.internal.series import SeriesFilter
from schema.internal.vocabulary import MeasureName, Per, per_name
from schema.types.errors import UserError
from schema.types.payload import attempt
from schema.types.scalars import Numbers


@strawberry.enum(description="How a figure is split over series and buckets.")
class SplitRule(Enum):
    """Rules."""

    PROPORTIONAL = strawberry.enum_value(
        "proportional", description="In proportion to the profile, series by series and bucket by bucket."
    )
    EVEN = strawberry.enum_value("even", description="The same for every series and every working day.")
    LAST_YEAR = strawberry.enum_value(
        "last_year", description="In proportion to the profile of the same days a year before."
    )


@strawberry.input(
    description="Figures at a level: what all series of a measure within a selection shall add up to."
)
class SpreadEdit:
    """One edit."""

    measure: MeasureName = strawberry.field(description="The measure; one that your role submits.")
    within: SeriesFilter = strawberry.field(
        description="The level: families, regions, areas, customers, items and so on, and what is below."
    )
    start: date = strawberry.field(description="A day in the first period.")
    values: Numbers = strawberry.field(
        description="Figures of that period and those that follow it; null leaves a period alone."
    )
    split: SplitRule = strawberry.field(description="How each figure is split.")
    profile: MeasureName | None = strawberry.field(
        default=None,
        description="Measure to split by; its series are split over as well. Null means the measure itself.",
    )
    per: Per | None = strawberry.field(
        default=Per.BUCKET,
        description="Periods of the figures; a bucket belongs to the one that it starts in. Null: buckets.",
    )
    unit: str | None = strawberry.field(
        default=None, description="Unit of measure of the figures; null means the items' common base unit."
    )
    keep: SeriesFilter | None = strawberry.field(
        default=None,
        description="Series that keep their figures: the others get what is left. Null means none.",
    )

    def chosen(self) -> requests.SpreadEdit:
        """Return the edit as the service takes it."""
        return requests.SpreadEdit(
            measure=str(self.measure),
            within=self.within.chosen(),
            start=self.start,
            per=per_name(self.per),
            values=tuple(self.values),
            by=requests.SplitBy(
                cast(requests.SplitKind, self.split.value),
                None if self.profile is None else str(self.profile),
            ),
            unit=self.unit,
            keep=None if self.keep is None else self.keep.chosen(),
        )


@strawberry.input(description="Edits at levels: one commit on one branch, or nothing at all.")
class SeriesSpreadInput:
    """Input of `seriesSpread`."""

    edits: list[SpreadEdit] = strawberry.field(
        description=f"The edits, at most {requests.MAX_EDITS}; no two set the same figure."
    )
    reason: str = strawberry.field(description="Why; kept with the commit.")
    idempotency_key: str = strawberry.field(
        description="Chosen by the caller, at most 200 characters: the same request again under the same key "
        "is answered with the first commit and writes nothing."
    )
    branch: str | None = strawberry.field(default="main", description="Branch to edit; null means main.")
    expected_head: strawberry.ID | None = strawberry.field(
        default=None,
        description="Id of the commit that the caller has seen last on the branch: refused with HEAD_MOVED "
        "if the same figures have been changed since.",
    )


@strawberry.type(description="Answer of `seriesSpread`.")
class SeriesSpreadPayload:
    """Payload of `seriesSpread`."""

    commit: Commit | None = strawberry.field(
        description="The commit with the figures; the branch's head as it was when nothing changed."
    )
    changed_series: int = strawberry.field(description="Series that have changed.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty on success.")


SeriesSpreadArgument = Annotated[SeriesSpreadInput, strawberry.argument(description="The input.")]


async def _spread(info: Info[Context, None], given: SeriesSpreadInput) -> Submitted:
    head = given.expected_head
    request = requests.SpreadRequest(
        branch=given.branch or "main",
        reason=given.reason,
        idempotency_key=given.idempotency_key,
        expected_head=None if head is None else commit_key(info, str(head)),
        edits=tuple(edit.chosen() for edit in given.edits),
    )
    return await spread_series(info.context.database, await info.context.scope(), request)


async def resolve_series_spread(
    info: Info[Context, None], input: SeriesSpreadArgument
) -> SeriesSpreadPayload:
    """Split and submit; every problem of the input is reported, and nothing is written if there is one."""
    done, errors = await attempt(info.context, _spread(info, input))
    return SeriesSpreadPayload(
        commit=None if done is None else done.commit,  # type: ignore[arg-type]  # served by attribute
        changed_series=0 if done is None else done.changed,
        user_errors=errors,
    )
