"""The demonstration company is what its README says: overloaded, limited, late, losing in one channel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from app.demo import COMPANY
from app.exchange import Dataset, Row, SeriesBlock, read_dataset
from app.vocabulary import working_days

Array = npt.NDArray[np.float64]
YEAR = 365


@cache
def company() -> Dataset:
    result = read_dataset(COMPANY)
    assert not result.findings, "\n".join(map(str, result.findings))
    assert result.dataset is not None
    return result.dataset


def rows(kind: str) -> list[Row]:
    return company().entities[kind]


def block(measure: str) -> SeriesBlock:
    found = company().block(measure)
    assert found is not None
    return found


def number(value: object) -> float:
    return float(str(value))


def test_it_is_small_enough_to_read() -> None:
    assert sum(path.stat().st_size for path in COMPANY.rglob("*")) < 700_000
    assert {path.suffix for path in COMPANY.rglob("*") if path.is_file()} <= {".csv", ".md"}


def test_its_size_is_the_size_promised() -> None:
    assert 55 <= len(rows("item")) <= 65
    kinds = [row["kind"] for row in rows("site")]
    assert (kinds.count("plant"), kinds.count("warehouse")) == (2, 1)
    assert kinds.count("ship_to") > len(rows("customer")) == 20
    assert (len(rows("resource")), len(rows("supplier"))) == (4, 12)
    assert {row["region"] for row in rows("customer")} == {"NORTH", "CENTRAL", "SOUTH"}
    assert max(levels().values()) == 3


def levels() -> dict[str, int]:
    """Levels of make below each item; what is bought has none."""
    parts: dict[str, list[str]] = defaultdict(list)
    for row in rows("bom"):
        parts[str(row["parent"])].append(str(row["component"]))

    @cache
    def depth(item: str) -> int:
        return 1 + max(map(depth, parts[item])) if item in parts else 0

    return {str(row["item"]): depth(str(row["item"])) for row in rows("item")}


def test_the_calendar_is_thirteen_weeks_and_fifteen_months() -> None:
    calendar = company().calendar
    assert calendar.plan_date.weekday() == 0
    assert calendar.first_open == 24
    assert [bucket.days for bucket in calendar.open_buckets[:13]] == [7] * 13
    assert len(calendar.open_buckets) == 13 + 15


def test_several_materials_have_two_sources() -> None:
    sources: dict[object, set[object]] = defaultdict(set)
    for row in rows("supplier_item"):
        sources[row["item"]].add(row["supplier"])
    assert sum(len(suppliers) == 2 for suppliers in sources.values()) >= 5


def test_one_party_is_supplier_and_customer() -> None:
    both = {row["party"] for row in rows("supplier")} & {row["party"] for row in rows("customer")}
    assert both == {"TRAMONT"}


def test_one_supplier_is_late() -> None:
    late = {
        row["supplier"] for row in rows("purchase_order") if str(row["due_date"]) > str(row["promised_date"])
    }
    assert late == {"VALTEC"}


def test_sales_is_more_optimistic_than_the_customers_and_history() -> None:
    calendar = company().calendar
    forecast = block("salesForecast")
    values = dict(zip(forecast.keys, forecast.values, strict=True))
    signal = block("customerSignal")
    open_part = slice(calendar.first_open, calendar.first_open + 13 + 9)
    sales = sum(np.nansum(values[key][open_part]) for key in signal.keys)
    assert sales > 1.05 * np.nansum(signal.values[:, open_part])
    last_year = np.nansum(block("actualDemand").values[:, 12:24])
    assert np.nansum(forecast.values[:, calendar.first_open :][:, : 13 + 9]) > 1.1 * last_year


# --- rough-cut capacity


def exploded(demand: dict[str, Array]) -> dict[str, Array]:
    """What is needed of every item for a demand, scrap and yield included."""
    width = len(company().calendar)
    yields = {str(row["item"]): number(row["yield"]) for row in rows("production")}
    parts: dict[str, list[Row]] = defaultdict(list)
    for row in rows("bom"):
        if row["valid_to"] is None:
            parts[str(row["parent"])].append(row)
    need: dict[str, Array] = defaultdict(lambda: np.zeros(width))

    def use(item: str, quantity: Array) -> None:
        started = quantity / yields.get(item, 1.0)
        need[item] += started
        for row in parts[item]:
            use(str(row["component"]), started * number(row["quantity"]) / (1 - number(row["scrap"])))

    for item, quantity in demand.items():
        use(item, quantity)
    return need


def wanted() -> dict[str, Array]:
    """What sales wants per item and bucket."""
    demand: dict[str, Array] = defaultdict(lambda: np.zeros(len(company().calendar)))
    forecast = block("salesForecast")
    for key, values in zip(forecast.keys, np.nan_to_num(forecast.values), strict=True):
        demand[str(key[0])] += values
    return demand


def load_of(resource: str, need: dict[str, Array]) -> Array:
    """Hours per bucket; an item that two plants can make is made where it is listed first."""
    hours = np.zeros(len(company().calendar))
    seen: set[object] = set()
    for row in rows("routing"):
        if row["item"] in seen:
            continue
        seen.add(row["item"])
        if row["resource"] == resource:
            hours += need[str(row["item"])] * number(row["hours_per_unit"])
    return hours


def capacity_of(resource: str) -> Array:
    """Demonstrated regular hours per bucket."""
    (centre,) = (row for row in rows("resource") if row["resource"] == resource)
    (offer,) = (row for row in rows("capacity") if row["resource"] == resource)
    off = {row["date"] for row in rows("holiday") if row["site"] in {None, centre["site"]}}
    days = [working_days(bucket, off) for bucket in company().calendar.buckets]  # type: ignore[arg-type]  # dates
    return (
        np.array(days)
        * number(offer["hours_per_day"])
        * number(centre["efficiency"])
        * number(centre["utilization_target"])
    )


@pytest.mark.parametrize("resource", ["R-MACH", "R-ASSY", "R-PRESS", "R-FINISH"])
def test_the_season_overloads_and_the_year_does_not(resource: str) -> None:
    calendar = company().calendar
    load, capacity = load_of(resource, exploded(wanted())), capacity_of(resource)
    months = slice(calendar.first_open + 13, None)
    year = [0 <= (bucket.start - calendar.plan_date).days < YEAR for bucket in calendar.buckets]
    assert max(load[months] / capacity[months]) > 1.3
    assert 0.8 < load[year].sum() / capacity[year].sum() < 1
    autumn = slice(calendar.first_open, calendar.first_open + 13)
    assert max(load[autumn] / capacity[autumn]) < 1


def test_igniters_are_short_over_the_whole_horizon() -> None:
    calendar = company().calendar
    need = exploded(wanted())["IGNITER"][calendar.first_open :].sum()
    (source,) = (row for row in rows("supplier_item") if row["item"] == "IGNITER")
    days = calendar.days[calendar.first_open :].sum()
    stock = np.nansum([values for key, values in stocks() if key[0] == "IGNITER"])
    assert 0.8 < (number(source["max_quantity_per_period"]) * days / 30 + stock) / need < 0.95


def stocks() -> Iterator[tuple[tuple[str | None, ...], Array]]:
    return zip(block("openingStock").keys, block("openingStock").values, strict=True)


# --- money


def variable_cost() -> dict[str, float]:
    """Material, hours and cost of making, rolled up; the mean of two sources by quota."""
    rates = company().parameters.rates()
    hour = {row["resource"]: number(row["cost"]) for row in rows("resource_cost")}
    quota = {(row["supplier"], row["item"]): number(row["quota"] or 1) for row in rows("supplier_item")}
    price: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows("purchase_price"):
        weight = quota[row["supplier"], row["item"]]
        price[str(row["item"])].append((number(row["price"]) * rates[str(row["currency"])], weight))
    unit = {str(row["item"]): 0.0 for row in rows("item")}
    for row in rows("production_cost"):
        unit[str(row["item"])] = number(row["cost"])
    operations = {str(row["item"]): row for row in reversed(rows("routing"))}
    for item, row in operations.items():
        unit[item] += number(row["hours_per_unit"]) * hour[row["resource"]]
    for item, offers in price.items():
        unit[item] = sum(p * w for p, w in offers) / sum(w for _, w in offers)
    # the cost of one unit is what its exploded need costs
    one = np.ones(len(company().calendar))
    return {
        item: sum(float(quantity[0]) * unit[part] for part, quantity in exploded({item: one}).items())
        for item in {str(key[0]) for key in block("salesForecast").keys}
    }


def price_of(item: str, customer: Row) -> float:
    """The most specific price: of the customer, else of its channel."""
    own = {
        (row["customer"], row["channel"]): number(row["price"])
        for row in rows("selling_price")
        if row["item"] == item
    }
    return own.get((customer["customer"], None)) or own[None, customer["channel"]]


def test_every_channel_earns_but_discount_loses() -> None:
    customers = {row["customer"]: row for row in rows("customer")}
    freight = {row["to_site"]: number(row["cost"]) for row in rows("lane_cost") if row["from_site"] == "DC"}
    shares = [(row["customer"], row["site"], number(row["demand_share"])) for row in rows("site")]
    outbound: dict[object, float] = defaultdict(float)
    for owner, site, share in shares:
        outbound[owner] += share * freight.get(site, 0.0)
    cost, margin = variable_cost(), defaultdict[object, float](float)
    forecast = block("salesForecast")
    for key, values in zip(forecast.keys, forecast.values, strict=True):
        customer = customers[key[5]]
        earned = price_of(str(key[0]), customer) - cost[str(key[0])] - outbound[key[5]]
        margin[customer["channel"]] += earned * float(np.nansum(values))
    assert set(margin) == {"retail", "dealer", "online", "discount"}
    assert {channel for channel, value in margin.items() if value < 0} == {"discount"}


def test_shares_of_ship_tos_add_up() -> None:
    shares: dict[object, float] = defaultdict(float)
    for row in rows("site"):
        shares[row["customer"]] += number(row["demand_share"]) if row["customer"] else 0
    assert {round(share, 9) for owner, share in shares.items() if owner} == {1.0}
