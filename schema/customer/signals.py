"""What a customer hands in: forecasts, order forecasts, sell-out and stock."""

from enum import Enum
from typing import Annotated

import strawberry
from strawberry.types import Info

from app.services.parties import reading, signals, submitting
from app.services.parties.states import SIGNALS, SubmissionView
from schema.context import Context
from schema.types.at import ReleaseAtArgument
from schema.types.connections import DEFAULT_PAGE, AfterArgument, Connection, FirstArgument, connection
from schema.types.errors import UserError
from schema.types.outside import (
    IDEMPOTENCY_KEY,
    REFUSALS,
    QuantityEntry,
    QuantityEntryInput,
    Submission,
    caller,
    chosen_release,
    entries_of,
    paged,
    quantity_entries,
)
from schema.types.payload import attempt


@strawberry.enum(description="What the figures of a demand signal mean.")
class DemandSignalKind(Enum):
    """Values of `app.services.parties.signals.SignalKind`."""

    FORECAST = strawberry.enum_value("forecast", description="What you expect to need, by released bucket.")
    ORDER_FORECAST = strawberry.enum_value(
        "order_forecast", description="What you expect to order from us, by released bucket."
    )
    SELL_OUT = strawberry.enum_value("sell_out", description="What you sold on, by day.")
    STOCK = strawberry.enum_value("stock", description="What you had in stock, by day.")


@strawberry.enum(description="Whether a forecast holds your open orders.")
class DemandBasis(Enum):
    """Values of `app.services.parties.signals.Basis`."""

    GROSS = strawberry.enum_value("gross", description="It holds them.")
    NET = strawberry.enum_value("net", description="It comes on top of them; we add them when we take it in.")


@strawberry.input(description="Quantities of one item.")
class DemandSeriesInput:
    """One item."""

    item: str = strawberry.field(description="The item, by your code or ours.")
    customer: str | None = strawberry.field(
        default=None, description="Your sold-to code; needed where you buy the item under several."
    )
    entries: list[QuantityEntryInput] = strawberry.field(
        description="Quantities in the unit of the item: by first day of a bucket (forecasts) or by day."
    )


@strawberry.input(description="A demand signal.")
class DemandSignalSubmitInput:
    """Input of `demandSignalSubmit`."""

    kind: DemandSignalKind = strawberry.field(description="What the figures mean.")
    basis: DemandBasis | None = strawberry.field(
        default=DemandBasis.GROSS, description="Whether a forecast holds your open orders; null means gross."
    )
    series: list[DemandSeriesInput] = strawberry.field(description="Quantities by item.")
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)


@strawberry.type(description="Quantities of one item, as you handed them in.")
class DemandSeries:
    """One item."""

    customer: str = strawberry.field(description="Your sold-to code.")
    item: str = strawberry.field(description="Our code of the item.")
    unit: str = strawberry.field(description="Unit of all quantities.")
    entries: list[QuantityEntry] = strawberry.field(description="Quantities.")


def _kind(root: strawberry.Parent[SubmissionView]) -> DemandSignalKind:
    return DemandSignalKind(root.payload["kind"])


def _basis(root: strawberry.Parent[SubmissionView]) -> DemandBasis:
    return DemandBasis(root.payload["basis"])


def _series(root: strawberry.Parent[SubmissionView]) -> list[DemandSeries]:
    return [
        DemandSeries(
            customer=line["code"], item=line["item"], unit=line["unit"], entries=entries_of(line["entries"])
        )
        for line in root.payload["series"]
    ]


@strawberry.type(description="A demand signal that you handed in.")
class DemandSignal(Submission):
    """Serves `SubmissionView`."""

    kind: DemandSignalKind = strawberry.field(resolver=_kind, description="What the figures mean.")
    basis: DemandBasis = strawberry.field(resolver=_basis, description="Whether it holds your open orders.")
    series: list[DemandSeries] = strawberry.field(resolver=_series, description="Quantities by item.")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Serve the service's own objects."""
        return isinstance(obj, SubmissionView) and obj.kind in SIGNALS


@strawberry.type(description="Answer of `demandSignalSubmit`.")
class DemandSignalSubmitPayload:
    """Payload of `demandSignalSubmit`."""

    demand_signal: DemandSignal | None = strawberry.field(description="What was kept.")
    user_errors: list[UserError] = strawberry.field(description=REFUSALS)


DemandSignalArgument = Annotated[DemandSignalSubmitInput, strawberry.argument(description="The signal.")]


async def resolve_demand_signal_submit(
    info: Info[Context, None], input: DemandSignalArgument
) -> DemandSignalSubmitPayload:
    """Keep a demand signal."""

    async def call() -> SubmissionView:
        kind = signals.SignalKind(str(DemandSignalKind(input.kind).value))
        basis = signals.Basis(str(DemandBasis(input.basis or DemandBasis.GROSS).value))
        series = tuple(
            signals.Series(line.item, line.customer, quantity_entries(line.entries)) for line in input.series
        )
        by = await caller(info, input.idempotency_key)
        return await submitting.submit_signal(info.context.database, by, kind, basis, series)

    kept, errors = await attempt(info.context, call())
    return DemandSignalSubmitPayload(demand_signal=kept, user_errors=errors)  # type: ignore[arg-type]  # by attribute


async def resolve_demand_signals(
    info: Info[Context, None],
    at: ReleaseAtArgument = None,
    first: FirstArgument = DEFAULT_PAGE,
    after: AfterArgument = None,
) -> Connection[SubmissionView]:
    """Return the customer's demand signals, the latest first."""
    stretch, release = paged(info, first, after), chosen_release(at)
    async with info.context.read() as tx:
        page = await reading.submissions(tx, reading.CUSTOMER, SIGNALS, stretch, at=release)
        return connection(info, page)
