"""What is asked for: baseline, consensus, open orders and net demand by item, ship-to and customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.exchange.dataset import Dataset, SeriesBlock
from app.services.demand.baseline import Forecaster, seasonal_naive
from app.services.demand.consumption import NO_RULE, Window, net_demand, past_due_first
from app.services.demand.shares import ShipTo, of_customer, ship_tos
from app.services.demand.streams import agreed, blend
from app.services.demand.succession import Key, Life, inherit_history, selling_days
from app.services.planning.horizon import Horizon
from app.services.planning.lookup import number, text
from app.vocabulary import DIMENSIONS, Calendar

Values = npt.NDArray[np.float64]
Place = tuple[str, str | None, str]
ITEM, SITE, CUSTOMER = (DIMENSIONS.index(name) for name in ("item", "site", "customer"))
STREAMS = ("salesForecast", "customerSignal", "baselineForecast")


@dataclass(frozen=True)
class DemandPlan:
    """Demand on the data set's calendar (T buckets, past ones included).

    `lines` are (item, customer) with the `baseline` (l, T); `places` are (item, ship-to, customer), the
    ship-to None where the customer has none, with `history`, `consensus`, `orders` and `net` (k, T).
    """

    lines: tuple[Key, ...]
    baseline: Values
    places: tuple[Place, ...]
    history: Values
    consensus: Values
    orders: Values
    net: Values


def plan_demand(dataset: Dataset, forecaster: Forecaster = seasonal_naive) -> DemandPlan:
    """Derive the demand of a data set: baseline where none is given, consensus, ship-tos, consumption."""
    calendar = dataset.calendar
    lives = _lives(dataset)
    history_keys, history = inherit_history(*_by_line(dataset, "actualDemand"), lives)
    lines, baseline = _baseline(dataset, history_keys, history, lives, forecaster)
    line_index = {key: row for row, key in enumerate(lines)}
    proposal = _proposal(dataset, lines, baseline)
    known = ship_tos(dataset.entities["site"])
    orders = _orders(dataset, known)
    decided = _cells(dataset, "consensusDemand")
    places = _places(lines, known, [*orders, *decided])
    share = np.array([_share(place, known) for place in places])
    row_of = np.array([line_index.get((item, customer), -1) for item, _, customer in places], dtype=np.int64)
    consensus = _spread(_with_gate(proposal, lines, decided, calendar), row_of, share)
    consensus = agreed(consensus, _stack(places, decided, calendar, np.nan))
    consensus[:, : calendar.first_open] = np.nan
    ordered = _stack(places, orders, calendar, 0.0)
    return DemandPlan(
        lines=lines,
        baseline=baseline,
        places=places,
        history=_spread(_aligned(lines, history_keys, history), row_of, share),
        consensus=consensus,
        orders=past_due_first(np.nan_to_num(ordered), calendar),
        net=_net(dataset, places, consensus, ordered),
    )


def beyond(demand: DemandPlan, dataset: Dataset, horizon: Horizon) -> Values:
    """Return the demand (k, E) expected in the extension: last year's profile, by the baseline's rule."""
    known = np.where(np.isnan(demand.consensus), demand.history, demand.consensus)
    known[:, horizon.calendar.first_open :] = np.nan_to_num(demand.consensus)[
        :, horizon.calendar.first_open :
    ]
    later = np.pad(known, ((0, 0), (0, len(horizon.extension))), constant_values=np.nan)
    if not horizon.extension or not len(demand.places):
        return np.zeros((len(demand.places), len(horizon.extension)))
    calendar = horizon.extended_calendar
    sold = selling_days([item for item, _, _ in demand.places], _lives(dataset), calendar)
    return np.nan_to_num(seasonal_naive(later, calendar) * sold)[:, calendar.first_open :]


def _lives(dataset: Dataset) -> dict[str, Life]:
    return {
        str(row["item"]): Life(text(row, "supersedes"), row["valid_from"], row["valid_to"])  # type: ignore[arg-type]  # typed by the exchange
        for row in dataset.entities["item"]
    }


def _by_line(dataset: Dataset, measure: str) -> tuple[list[Key], Values]:
    """Return a measure summed to (item, customer); NaN where no row has a value."""
    block = dataset.block(measure) or SeriesBlock(measure, [], np.empty((0, len(dataset.calendar))))
    index: dict[Key, int] = {}
    rows = [index.setdefault((str(key[ITEM]), str(key[CUSTOMER])), len(index)) for key in block.keys]
    total = np.zeros((len(index), len(dataset.calendar)))
    known = np.zeros(total.shape, dtype=np.bool_)
    np.add.at(total, rows, np.nan_to_num(block.values))
    np.logical_or.at(known, rows, ~np.isnan(block.values))
    return list(index), np.where(known, total, np.nan)


def _aligned(lines: Sequence[Key], keys: Sequence[Key], values: Values) -> Values:
    """Return values (l, T) of `lines`, NaN for those without a row in `keys`."""
    index = {key: row for row, key in enumerate(keys)}
    rows = np.array([index.get(line, -1) for line in lines], dtype=np.int64)
    stretched = np.vstack([values, np.full((1, values.shape[1]), np.nan)])
    return stretched[rows]


def _baseline(
    dataset: Dataset,
    keys: Sequence[Key],
    history: Values,
    lives: Mapping[str, Life],
    forecaster: Forecaster,
) -> tuple[tuple[Key, ...], Values]:
    """Return all lines that any stream names, and their baseline: the one given, else the forecast."""
    given_keys, given = _by_line(dataset, "baselineForecast")
    named = [key for name in (*STREAMS[:2], "marketingUplift") for key in _by_line(dataset, name)[0]]
    decided = [(item, customer) for item, _, customer in _cells(dataset, "consensusDemand")]
    lines = tuple(sorted({*keys, *given_keys, *named, *decided}))
    sold = selling_days([item for item, _ in lines], lives, dataset.calendar)
    computed = forecaster(_aligned(lines, keys, history), dataset.calendar) * sold
    return lines, agreed(computed, _aligned(lines, given_keys, given))


def _proposal(dataset: Dataset, lines: Sequence[Key], baseline: Values) -> Values:
    """Return the consensus (l, T) that the streams give."""
    streams = {name: _aligned(lines, *_by_line(dataset, name)) for name in STREAMS[:2]}
    uplift = _aligned(lines, *_by_line(dataset, "marketingUplift"))
    return blend({**streams, STREAMS[2]: baseline}, dataset.parameters.weights(), uplift)


def _cells(dataset: Dataset, measure: str) -> dict[Place, Values]:
    """Return the series of a measure by (item, site, customer)."""
    block = dataset.block(measure)
    if block is None:
        return {}
    keys = [(str(key[ITEM]), key[SITE], str(key[CUSTOMER])) for key in block.keys]
    return dict(zip(keys, block.values, strict=True))


def _with_gate(
    proposal: Values, lines: Sequence[Key], decided: Mapping[Place, Values], calendar: Calendar
) -> Values:
    """Return the proposal with what was decided for a customer as a whole (no ship-to named)."""
    whole = {(item, customer): row for (item, site, customer), row in decided.items() if site is None}
    keys = list(whole)
    return agreed(proposal, _aligned(lines, keys, np.array(list(whole.values())).reshape(-1, len(calendar))))


def _orders(dataset: Dataset, known: Mapping[str, tuple[ShipTo, ...]]) -> dict[Place, Values]:
    """Return open orders (T,) by place: the order lines, or where there are none the series."""
    calendar = dataset.calendar
    lines = dataset.entities["sales_order"]
    if not lines:
        return _order_series(dataset, known)
    orders: dict[Place, Values] = {}
    for row in lines:
        customer, item = str(row["customer"]), str(row["item"])
        site = text(row, "ship_to") or of_customer(customer, known)[0].site
        requested = row["requested_date"]
        past = requested < calendar.plan_date  # type: ignore[operator]  # a date, typed by the exchange
        ordinal = calendar.first_open if past else calendar.index_of(requested)  # type: ignore[arg-type]  # a date
        if ordinal is not None:
            cells = orders.setdefault((item, site, customer), np.zeros(len(calendar)))
            cells[ordinal] += number(row, "quantity", 0.0)
    return orders


def _order_series(dataset: Dataset, known: Mapping[str, tuple[ShipTo, ...]]) -> dict[Place, Values]:
    orders: dict[Place, Values] = {}
    for (item, site, customer), cells in _cells(dataset, "openOrders").items():
        place = (item, site or of_customer(customer, known)[0].site, customer)
        orders[place] = orders.get(place, 0.0) + np.nan_to_num(cells)
    return orders


def _places(
    lines: Sequence[Key], known: Mapping[str, tuple[ShipTo, ...]], named: Sequence[Place]
) -> tuple[Place, ...]:
    """Return every (item, ship-to, customer) that demand falls on: by share, by order or by decision."""
    shared = {(item, to.site, customer) for item, customer in lines for to in of_customer(customer, known)}
    extra = {place for place in named if place[1] is not None or place[2] not in known}
    return tuple(sorted(shared | extra, key=lambda place: (place[0], place[2], place[1] or "")))


def _share(place: Place, known: Mapping[str, tuple[ShipTo, ...]]) -> float:
    return next((to.share for to in of_customer(place[2], known) if to.site == place[1]), 0.0)


def _spread(values: Values, row_of: npt.NDArray[np.int64], share: Values) -> Values:
    """Return (k, T): each place's share of its line, NaN where the line has none or the share is 0."""
    stretched = np.vstack([values, np.full((1, values.shape[1]), np.nan)])
    return np.where(share[:, None] > 0, stretched[row_of] * share[:, None], np.nan)


def _stack(
    places: Sequence[Place], cells: Mapping[Place, Values], calendar: Calendar, default: float
) -> Values:
    """Return (k, T): the cells of each place, `default` for a place without any."""
    nothing = np.full(len(calendar), default)
    return np.array([cells.get(place, nothing) for place in places]).reshape(-1, len(calendar))


def _net(dataset: Dataset, places: Sequence[Place], consensus: Values, orders: Values) -> Values:
    """Return the net demand (k, T), each customer by its own consumption rule."""
    rules = {
        text(row, "customer"): Window(
            int(number(row, "backward_days", 30)), int(number(row, "forward_days", 0))
        )
        for row in dataset.entities["consumption_rule"]
    }
    windows = [rules.get(customer, rules.get(None, NO_RULE)) for _, _, customer in places]
    net = np.zeros_like(consensus)
    for window in set(windows):
        rows = np.array([window == other for other in windows])
        net[rows] = net_demand(consensus[rows], orders[rows], dataset.calendar, window)
    return net
