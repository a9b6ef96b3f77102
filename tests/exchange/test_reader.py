"""A dataset that is right is read as it says: typed, defaults filled in, laid over the calendar."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exchange import DatasetResult, read_dataset

Reader = Callable[..., DatasetResult]


def clean(result: DatasetResult) -> DatasetResult:
    assert not result.findings, "\n".join(map(str, result.findings))
    assert result.dataset is not None
    return result


def test_rows_are_typed_and_have_every_column(read_changed: Reader) -> None:
    dataset = clean(read_changed({})).dataset
    assert dataset is not None
    assert dataset.entities["item_cost"][0] == {
        "item": "TOY",
        "site": None,
        "standard_cost": 4.5,
        "currency": "EUR",
        "valid_from": None,
        "valid_to": date(2025, 6, 1),
    }
    assert dataset.entities["unit"][1]["whole"] is True
    assert dataset.entities["service_class"][0]["max_late_days"] == 60
    assert dataset.entities["holiday"] == []


def test_parameters_and_calendar_follow_from_the_rows(read_changed: Reader) -> None:
    dataset = clean(read_changed({})).dataset
    assert dataset is not None
    assert dataset.parameters["weeks"] == 6
    assert dataset.parameters["firm_days"] == 28
    assert dataset.calendar.plan_date == date(2025, 3, 3)
    assert dataset.calendar.end == date(2025, 7, 1)


def test_counts_say_what_was_read(read_changed: Reader) -> None:
    counts = clean(read_changed({})).counts
    assert (counts["item"], counts["bom"], counts["actualDemand"]) == (3, 2, 2)


def test_a_date_means_its_bucket_and_a_month_its_days(read_changed: Reader) -> None:
    dataset = clean(read_changed({})).dataset
    assert dataset is not None
    history, forecast = dataset.block("actualDemand"), dataset.block("salesForecast")
    assert history is not None
    assert forecast is not None
    assert history.keys == [("TOY", None, "SHOP", None, None, "ACME", None)]
    assert history.values[0, :2].tolist() == [30.0, 40.0]
    assert np.isnan(history.values[0, 2:]).all()
    starts = {bucket.start: bucket.ordinal for bucket in dataset.calendar.buckets}
    one_a_day = {date(2025, 3, 1): 2, date(2025, 3, 3): 7, date(2025, 3, 31): 7, date(2025, 4, 7): 7}
    for start, days in one_a_day.items():
        assert forecast.values[0, starts[start]] == pytest.approx(days)
    assert np.nansum(forecast.values) == pytest.approx(61)


def test_a_stock_stated_by_month_holds_in_each_bucket(read_changed: Reader) -> None:
    stock = "item,customer,start,value\nTOY,ACME,2025-03,8\nTOY,ACME,2025-04,9\n"
    dataset = clean(read_changed({"series/customerStock.csv": stock})).dataset
    assert dataset is not None
    block = dataset.block("customerStock")
    assert block is not None
    week = {bucket.start: bucket.ordinal for bucket in dataset.calendar.buckets}
    assert block.values[0, week[date(2025, 3, 24)]] == 8
    assert block.values[0, week[date(2025, 3, 31)]] == 9  # most of the week is April's; its end counts


def test_a_price_of_two_months_is_averaged_by_days(read_changed: Reader) -> None:
    price = "item,customer,start,value\nTOY,ACME,2025-03,14\nTOY,ACME,2025-04,7\n"
    dataset = clean(read_changed({"series/sellingPrice.csv": price})).dataset
    assert dataset is not None
    block = dataset.block("sellingPrice")
    assert block is not None
    index = dataset.calendar.index_of(date(2025, 3, 31))
    assert index is not None
    assert block.values[0, index] == pytest.approx((14 * 1 + 7 * 6) / 7)


def test_a_ship_to_may_be_unknown(read_changed: Reader) -> None:
    rows = "item,site,customer,start,value\nTOY,,ACME,2025-01,30\n"
    dataset = clean(read_changed({"series/actualDemand.csv": rows})).dataset
    assert dataset is not None
    assert dataset.block("actualDemand") is not None


def test_order_of_rows_line_ends_and_compression_do_not_matter(read_changed: Reader) -> None:
    rows = ["TOY,SHOP,ACME,2025-01,30", "IRON,SHOP,ACME,2025-01,3", "TOY,SHOP,ACME,2025-02,4"]
    header = "item,site,customer,start,value"
    plain = {"series/actualDemand.csv": "\n".join([header, *rows])}
    packed = {
        "series/actualDemand.csv": None,
        "series/actualDemand.csv.gz": "\r\n".join([header, *rows[::-1]]),
    }
    blocks = []
    for changes in (plain, packed):
        dataset = clean(read_changed(changes)).dataset
        assert dataset is not None
        blocks.append(dataset.block("actualDemand"))
    one, other = blocks
    assert one is not None
    assert other is not None
    assert one.keys == other.keys
    assert np.array_equal(one.values, other.values, equal_nan=True)


def test_byte_order_mark_blanks_and_empty_lines_are_fine(read_changed: Reader) -> None:
    text = "\ufeffunit , name\r\n EA, Piece \r\n\r\nCTN,Carton\r\nKG,Kilogram"
    dataset = clean(read_changed({"unit.csv": text})).dataset
    assert dataset is not None
    assert dataset.entities["unit"][0] == {"unit": "EA", "name": "Piece", "whole": True}


def test_a_name_may_span_lines_and_the_next_row_keeps_its_line(read_changed: Reader) -> None:
    result = read_changed({"unit.csv": 'unit,name,whole\nEA,"Pie\nce",\nCTN,Carton,perhaps\nKG,Kilo,\n'})
    assert [(f.line, f.column) for f in result.findings] == [(4, "whole")]


def test_other_files_are_passed_over(read_changed: Reader) -> None:
    clean(read_changed({"README.md": "read me", "series/notes.txt": "x"}))


def test_parameters_can_be_overridden(read_changed: Reader, tmp_path: Path) -> None:
    clean(read_changed({}))
    dataset = clean(
        read_dataset(tmp_path / "data", parameters={"weeks": "4", "smoothing_cost": "0.1"})
    ).dataset
    assert dataset is not None
    assert (dataset.parameters["weeks"], dataset.parameters["smoothing_cost"]) == (4, 0.1)


def test_rates_make_foreign_currency_known(read_changed: Reader, good: dict[str, str]) -> None:
    parameters = good["planning_parameter.csv"] + "rate.USD,0.9\n"
    prices = "item,price,currency\nTOY,19,USD\n"
    assert (
        read_changed({"planning_parameter.csv": parameters, "selling_price.csv": prices}).dataset is not None
    )


def test_a_missing_directory_is_a_finding(tmp_path: Path) -> None:
    result = read_dataset(tmp_path / "nowhere")
    assert result.dataset is None
    assert result.findings[0].code == "unreadable-file"
    assert str(tmp_path) not in str(result.findings[0])


def test_an_empty_directory_is_a_finding(tmp_path: Path) -> None:
    assert read_dataset(tmp_path).errors[0].code == "unreadable-file"


def test_progress_is_told(read_changed: Reader, tmp_path: Path) -> None:
    clean(read_changed({}))
    told: dict[str, int] = {}
    read_dataset(tmp_path / "data", progress=told.__setitem__)
    assert told["series/actualDemand.csv"] == 2


@given(
    content=st.one_of(
        st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
    ),
    name=st.sampled_from(
        ["item.csv", "bom.csv", "planning_parameter.csv", "series/actualDemand.csv", "unit.csv.gz"]
    ),
    packed=st.booleans(),
)
def test_no_bytes_make_the_reader_raise(
    tmp_path_factory: pytest.TempPathFactory, good: dict[str, str], content: bytes, name: str, packed: bool
) -> None:
    directory = tmp_path_factory.mktemp("bytes")
    (directory / "series").mkdir()
    for file, text in good.items():
        (directory / file).write_text(text, encoding="utf-8")
    (directory / name).write_bytes(gzip.compress(content) if packed else content)
    result = read_dataset(directory)
    assert (result.dataset is None) == bool(result.errors)
