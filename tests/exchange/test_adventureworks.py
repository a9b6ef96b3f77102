"""The AdventureWorks export, read where it lies, has the figures that its README states."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import app.exchange
from app.dimensions.hierarchies import HIERARCHIES, Structure
from app.exchange import Conversions, Dataset, DatasetResult, SeriesBlock, read_dataset

MAPPINGS = Path(app.exchange.__file__).parent / "mappings"
QUARTERS = {
    (2012, 3): 23_003,
    (2012, 4): 15_560,
    (2013, 1): 18_055,
    (2013, 2): 33_320,
    (2013, 3): 44_713,
    (2013, 4): 35_700,
    (2014, 1): 38_332,
    (2014, 2): 23_327,
}


@cache
def read(shared: Path, mapping: str) -> DatasetResult:
    return read_dataset(shared / "data" / "adventureworks", MAPPINGS / f"{mapping}.toml")


def dataset_of(result: DatasetResult) -> Dataset:
    assert result.dataset is not None, "\n".join(map(str, result.errors))
    return result.dataset


def block_of(dataset: Dataset, measure: str) -> SeriesBlock:
    block = dataset.block(measure)
    assert block is not None
    return block


def between(dataset: Dataset, measure: str, first: date, end: date) -> float:
    chosen = [first <= bucket.start < end for bucket in dataset.calendar.buckets]
    return float(np.nansum(block_of(dataset, measure).values[:, chosen]))


def test_row_counts(shared_directory: Path) -> None:
    result = read(shared_directory, "adventureworks")
    entities = dataset_of(result).entities
    expected = {"item": 504, "bom": 2_383, "supplier": 104, "supplier_item": 460, "customer": 645}
    assert {kind: len(entities[kind]) for kind in expected} == expected
    assert result.counts["actualDemand"] == 70_368


def test_units_per_quarter_and_the_last_year(shared_directory: Path) -> None:
    dataset = dataset_of(read(shared_directory, "adventureworks"))
    for (year, quarter), units in QUARTERS.items():
        first = date(year, 3 * quarter - 2, 1)
        end = date(year + quarter // 4, 3 * quarter % 12 + 1, 1)
        assert between(dataset, "actualDemand", first, end) == units
    last_year = (date(2013, 6, 1), date(2014, 6, 1))
    assert between(dataset, "actualDemand", *last_year) == 156_553
    assert between(dataset, "actualRevenue", *last_year) == pytest.approx(50.04e6, rel=1e-4)


def test_unknown_pack_sizes_are_warned_of_and_not_taken_as_one(shared_directory: Path) -> None:
    result = read(shared_directory, "adventureworks")
    dataset = dataset_of(result)
    conversions = Conversions(dataset.entities["unit_conversion"])
    bought = Counter(str(row["unit"]) for row in dataset.entities["supplier_item"])
    assert {unit: conversions.factor("1", unit, "EA") for unit in bought} == {
        "EA": 1,
        "DZ": 12,
        **dict.fromkeys(("CTN", "CAN", "CS", "GAL", "PAK")),
    }
    warned = [f for f in result.warnings if f.code == "unknown-conversion" and f.column == "uom"]
    assert len(warned) == 2 * (bought.total() - bought["EA"] - bought["DZ"])  # the row and its price


def test_limits_of_one_order_are_no_limits_of_a_period(shared_directory: Path) -> None:
    rows = dataset_of(read(shared_directory, "adventureworks")).entities["supplier_item"]
    assert all(row["max_order_quantity"] for row in rows)
    assert not any(row["max_quantity_per_period"] for row in rows)


def test_what_is_made_without_hours_or_material_is_said(shared_directory: Path) -> None:
    result = read(shared_directory, "adventureworks")
    found = {code: {f.found for f in result.warnings if f.code == code} for code in ("no-bom", "no-routing")}
    assert found["no-bom"] == {"'837'"}
    assert len(found["no-routing"] - found["no-bom"]) == 89
    assert not [f for f in result.warnings if f.code in {"no-source", "no-lane"}]


def test_the_stock_snapshot_is_the_opening_stock(shared_directory: Path) -> None:
    dataset = dataset_of(read(shared_directory, "adventureworks_plan"))
    stock = block_of(dataset, "openingStock")
    assert (
        np.nansum(stock.values[:, dataset.calendar.first_open]) == stock.values[~np.isnan(stock.values)].sum()
    )
    assert ("1", 408 + 324 + 353) in {
        (key[0], value)
        for key, value in zip(stock.keys, stock.values[:, dataset.calendar.first_open], strict=True)
    }


def test_the_plan_knows_history_up_to_its_date_alone(shared_directory: Path) -> None:
    dataset = dataset_of(read(shared_directory, "adventureworks_plan"))
    raw = dataset_of(read(shared_directory, "adventureworks"))
    assert dataset.calendar.plan_date == date(2013, 12, 1)
    assert dataset.calendar.end == date(2014, 6, 1)
    demand = block_of(dataset, "actualDemand")
    assert np.isnan(demand.values[:, dataset.calendar.first_open :]).all()
    window = (date(2011, 6, 1), date(2013, 12, 1))
    assert np.nansum(demand.values) == pytest.approx(between(raw, "actualDemand", *window))


def test_resellers_are_spread_within_quarters_and_stores_online_are_not(shared_directory: Path) -> None:
    dataset = dataset_of(read(shared_directory, "adventureworks_plan"))
    raw = dataset_of(read(shared_directory, "adventureworks"))
    months = {bucket.start: bucket.ordinal for bucket in dataset.calendar.buckets}
    raw_months = {bucket.start: bucket.ordinal for bucket in raw.calendar.buckets}
    before = totals_by_channel(block_of(raw, "actualDemand"))
    after = totals_by_channel(block_of(dataset, "actualDemand"))
    quarter = [date(2013, 7, 1), date(2013, 8, 1), date(2013, 9, 1)]
    spread = [after["S"][months[month]] for month in quarter]
    lumpy = [before["S"][raw_months[month]] for month in quarter]
    assert sum(spread) == pytest.approx(sum(lumpy))
    assert spread == pytest.approx([sum(lumpy) * days / 92 for days in (31, 31, 30)])
    for month in quarter:
        assert after["O"][months[month]] == before["O"][raw_months[month]]


def totals_by_channel(block: SeriesBlock) -> dict[str, list[float]]:
    """Units per bucket of the resellers (S) and of the stores online (O)."""
    channels = np.array([str(key[5])[0] for key in block.keys])
    return {name: np.nansum(block.values[channels == name], axis=0).tolist() for name in ("S", "O")}


@pytest.mark.parametrize(("resource", "hours"), [("50", 40_914), ("60", 38_694), ("10", 18_234)])
def test_the_check_needs_the_hours_of_the_exploded_demand(
    shared_directory: Path, resource: str, hours: float
) -> None:
    dataset = dataset_of(read(shared_directory, "adventureworks_check"))
    assert sum(exploded_hours(dataset)[resource]) == pytest.approx(hours, abs=0.5)


def test_the_check_is_late_by_its_capacity_alone(shared_directory: Path) -> None:
    dataset = dataset_of(read(shared_directory, "adventureworks_check"))
    per_day = {str(row["resource"]): row["hours_per_day"] for row in dataset.entities["capacity"]}
    assert per_day["50"] == 120
    load = np.cumsum(exploded_hours(dataset)["50"])
    backlog = load - np.cumsum(dataset.calendar.days * 120)
    assert backlog[:5] == pytest.approx([839, 1_435, 456, 674, 936], abs=0.5)
    assert not dataset.entities["stock_policy"]
    assert dataset.block("openingStock") is None
    assert all(row["lead_time_days"] == 0 for row in dataset.entities["production"])
    assert all(row["price"] == 0 for row in dataset.entities["purchase_price"])


def test_the_check_without_limits_differs_in_capacity_alone(shared_directory: Path) -> None:
    limited = dataset_of(read(shared_directory, "adventureworks_check")).entities
    unlimited = dataset_of(read(shared_directory, "adventureworks_check_unlimited")).entities
    assert {kind for kind in limited if limited[kind] != unlimited[kind]} == {"capacity"}
    assert all(row["hours_per_day"] == 1_000_000 for row in unlimited["capacity"])


def exploded_hours(dataset: Dataset) -> dict[str, np.ndarray]:
    """Hours per resource and bucket of the consensus demand, its bill of materials exploded by level."""
    parts: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for row in dataset.entities["bom"]:
        parts[str(row["parent"])].append((str(row["component"]), float(str(row["quantity"]))))
    demand = block_of(dataset, "consensusDemand")
    need: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(len(dataset.calendar)))

    def use(item: str, quantity: np.ndarray) -> None:
        need[item] += quantity
        for component, factor in parts[item]:
            use(component, quantity * factor)

    by_item: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(len(dataset.calendar)))
    for key, values in zip(demand.keys, np.nan_to_num(demand.values), strict=True):
        by_item[str(key[0])] += values
    for item, quantity in by_item.items():
        use(item, quantity)
    hours: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(len(dataset.calendar)))
    for row in dataset.entities["routing"]:
        hours[str(row["resource"])] += need[str(row["item"])] * float(str(row["hours_per_unit"]))
    return hours


def test_families_and_territories_stand_on_levels(shared_directory: Path) -> None:
    """Every item has a category, and every customer a group of territories."""
    rows = dataset_of(read(shared_directory, "adventureworks")).entities
    for name, level in (("family", "category"), ("region", "group")):
        structure = Structure(HIERARCHIES[name], rows)
        members = [member for member in structure.members if structure.group_of(member) is not None]
        assert members
        assert all(structure.at_level(structure.group_of(member), level) for member in members)
