"""`seriesSubmit`: a department's inputs, several series in one commit, each typed by its measure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET
from strawberry.types import Info

from app.services import submit as service
from app.vocabulary import MEASURES, Measure
from schema.context import Context
from schema.internal.at import commit_key
from schema.internal.history import Commit
from schema.internal.reference import camel, pascal
from schema.types.errors import UserError
from schema.types.payload import attempt
from schema.types.scalars import Numbers

SUBMITTABLE: Mapping[str, Measure] = {name: MEASURES[name] for name in service.SUBMITTABLE}


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _values_input(grain: tuple[str, ...]) -> type:
    """Return the input type for values of measures that are kept by `grain`."""
    namespace: dict[str, object] = {"__doc__": "Values of one series.", "__module__": __name__}
    annotations: dict[str, object] = {}
    for dimension in grain:
        annotations[dimension] = str
        namespace[dimension] = strawberry.field(
            name=camel(dimension), description=f"{dimension.replace('_', ' ').capitalize()} code."
        )
    annotations["start"], annotations["values"] = date, Numbers
    namespace["start"] = strawberry.field(description="First day of the bucket that the first value is for.")
    namespace["values"] = strawberry.field(
        description="Values of that bucket and those that follow it; null takes a value away."
    )
    namespace["__annotations__"] = annotations
    made = type("".join(pascal(dimension) for dimension in grain) + "Values", (), namespace)
    return strawberry.input(made, description=f"Values of one series that is kept by {', '.join(grain)}.")


def _one_of() -> type:
    """Return the input type with one field per measure that departments submit."""
    inputs = {grain: _values_input(grain) for grain in {measure.grain for measure in SUBMITTABLE.values()}}
    namespace: dict[str, object] = {
        "__doc__": "Values of one series, by its measure.",
        "__module__": __name__,
    }
    annotations: dict[str, object] = {}
    for name, measure in SUBMITTABLE.items():
        annotations[_snake(name)] = inputs[measure.grain] | None
        namespace[_snake(name)] = strawberry.field(
            name=name, default=UNSET, description=f"{measure.doc} ({measure.unit})."
        )
    namespace["__annotations__"] = annotations
    made = type("SeriesInput", (), namespace)
    return strawberry.input(made, one_of=True, description="One series: exactly one field, its measure.")


if TYPE_CHECKING:
    SeriesInput = Any
else:
    SeriesInput = _one_of()


@strawberry.input(description="What a department submits: one commit on one branch, or nothing at all.")
class SeriesSubmitInput:
    """Input of `seriesSubmit`."""

    series: list[SeriesInput] = strawberry.field(description="The series, at least one.")
    reason: str = strawberry.field(description="Why; kept with the commit.")
    idempotency_key: str = strawberry.field(
        description="Chosen by the caller, at most 200 characters: the same request again under the same key "
        "is answered with the first commit and writes nothing."
    )
    branch: str | None = strawberry.field(default="main", description="Branch to submit to; null means main.")
    expected_head: strawberry.ID | None = strawberry.field(
        default=None,
        description="Id of the commit that the caller has seen last on the branch: refused with HEAD_MOVED "
        "if the same figures have been changed since.",
    )


@strawberry.type(description="Answer of `seriesSubmit`.")
class SeriesSubmitPayload:
    """Payload of `seriesSubmit`."""

    commit: Commit | None = strawberry.field(
        description="The commit with the values; the branch's head as it was when nothing changed."
    )
    changed_series: int = strawberry.field(description="Series that have changed.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty on success.")


def _entries(series: Sequence[Any]) -> Iterator[service.SeriesEntry]:
    """Return the series as the service takes them."""
    for chosen in series:
        name, values = next((n, v) for n, v in vars(chosen).items() if v is not UNSET)
        measure = next(measure for measure in SUBMITTABLE if _snake(measure) == name)
        key = {dimension: str(getattr(values, dimension)) for dimension in SUBMITTABLE[measure].grain}
        yield service.SeriesEntry(measure, key, values.start, tuple(values.values))


SeriesSubmitArgument = Annotated[SeriesSubmitInput, strawberry.argument(description="The input.")]


async def _submit(info: Info[Context, None], given: SeriesSubmitInput) -> service.Submitted:
    head = given.expected_head
    request = service.SubmitRequest(
        branch=given.branch or "main",
        reason=given.reason,
        idempotency_key=given.idempotency_key,
        expected_head=None if head is None else commit_key(info, str(head)),
        entries=tuple(_entries(given.series)),
    )
    return await service.submit_series(info.context.database, await info.context.scope(), request)


async def resolve_series_submit(
    info: Info[Context, None],
    input: SeriesSubmitArgument,
) -> SeriesSubmitPayload:
    """Submit; every problem of the input is reported, and nothing is written if there is one."""
    done, errors = await attempt(info.context, _submit(info, input))
    return SeriesSubmitPayload(
        commit=None if done is None else done.commit,  # type: ignore[arg-type]  # served by attribute
        changed_series=0 if done is None else done.changed,
        user_errors=errors,
    )
