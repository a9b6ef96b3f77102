"""A mapping reads a foreign export as it lies, and says what is wrong with itself or the export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.exchange import Dataset, DatasetResult, read_dataset

EXPORT = {
    "ARTICLES.csv": "ARTNO,DESCR,CLASS,UOM,SINCE,STATUS,PRICE\n"
    "1,Toy,F,,31.12.2024,A,1999\n2,Iron,R,KG,01.02.2025,A,0\n3,Old,F,EA,01.01.2020,X,500\n",
    "SALES.csv": "MONTH,CUST,ARTNO,QTY,NET\n"
    "2025-01,7,1,10,150\n2025-01,7,1,5,60\n2025-02,7,1,1,12\n2025-04,7,1,9,100\n2019-01,7,1,9,100\n",
}
MAPPING = """
name = "Old ERP"
[parameters]
plan_date = 2025-03-03
history_from = 2025-01-01
currency = "EUR"
weeks = 0
months = 3
[[entity]]
kind = "unit"
rows = [{ unit = "EA", name = "Piece" }, { unit = "KG", name = "Kilogram", whole = false }]
[[entity]]
kind = "party"
source = "SALES.csv"
distinct = true
columns.party = { template = "P{CUST}" }
columns.name = { template = "Customer {CUST}" }
columns.kind = { constant = "external" }
[[entity]]
kind = "customer"
source = "SALES.csv"
distinct = true
columns.customer = { template = "C{CUST}" }
columns.name = { template = "Customer {CUST}" }
columns.party = { template = "P{CUST}" }
columns.class = { constant = 1 }
[[entity]]
kind = "service_class"
rows = [{ class = 1, late_cost = 0.1, short_cost = 0.2 }]
[[entity]]
kind = "item"
source = "ARTICLES.csv"
where.STATUS = { not_in = ["X"] }
columns.item = "ARTNO"
columns.name = "DESCR"
columns.type = { column = "CLASS", values = { F = "finished", R = "purchased" } }
columns.unit = { column = "UOM", empty = "EA" }
columns.valid_from = { column = "SINCE", date = "%d.%m.%Y" }
[[entity]]
kind = "selling_price"
source = "ARTICLES.csv"
where.PRICE = { above = 0 }
where.STATUS = { equals = "A" }
columns.item = "ARTNO"
columns.price = { column = "PRICE", scale = 0.01 }
columns.currency = { constant = "EUR" }
[[entity]]
kind = "selling_price"
source = "SALES.csv"
where.MONTH = { from = "2025-01", before = "2025-03" }
columns.item = "ARTNO"
columns.channel = { constant = "shop" }
columns.price = { ratio = ["NET", "QTY"] }
columns.currency = { constant = "EUR" }
[[series]]
measure = "actualDemand"
source = "SALES.csv"
take = "history"
columns.item = "ARTNO"
columns.customer = { template = "C{CUST}" }
columns.start = "MONTH"
columns.value = { sum = "QTY" }
"""


def read(directory: Path, mapping: str = MAPPING, **changes: str) -> DatasetResult:
    for name, text in {**EXPORT, **{f"{name}.csv": text for name, text in changes.items()}}.items():
        (directory / name).write_text(text, encoding="utf-8")
    (directory / "erp.toml").write_text(mapping, encoding="utf-8")
    return read_dataset(directory, directory / "erp.toml")


def dataset_of(result: DatasetResult) -> Dataset:
    assert result.dataset is not None, "\n".join(map(str, result.findings))
    return result.dataset


def test_rows_are_renamed_mapped_filtered_and_dated(tmp_path: Path) -> None:
    result = read(tmp_path)
    items = dataset_of(result).entities["item"]
    assert [(i["item"], i["type"], i["unit"], str(i["valid_from"])) for i in items] == [
        ("1", "finished", "EA", "2024-12-31"),
        ("2", "purchased", "KG", "2025-02-01"),
    ]
    assert result.counts["item"] == 2
    assert result.left_out["item"] == 1


def test_one_source_serves_many_kinds_once_each(tmp_path: Path) -> None:
    dataset = dataset_of(read(tmp_path))
    assert [row["customer"] for row in dataset.entities["customer"]] == ["C7"]
    assert [row["party"] for row in dataset.entities["party"]] == ["P7"]


def test_prices_are_scaled_or_averaged(tmp_path: Path) -> None:
    prices = {row["channel"]: row["price"] for row in dataset_of(read(tmp_path)).entities["selling_price"]}
    assert prices == {None: pytest.approx(19.99), "shop": pytest.approx(222 / 16)}


def test_history_is_added_up_and_the_future_left_out(tmp_path: Path) -> None:
    result = read(tmp_path)
    block = dataset_of(result).block("actualDemand")
    assert block is not None
    assert block.values[0, :2].tolist() == [15, 1]
    assert np.nansum(block.values) == 16
    assert (result.counts["actualDemand"], result.left_out["actualDemand"]) == (3, 2)


def test_the_future_can_be_taken_instead(tmp_path: Path) -> None:
    mapping = MAPPING.replace('"history"', '"future"').replace('"actualDemand"', '"salesForecast"')
    block = dataset_of(read(tmp_path, mapping)).block("salesForecast")
    assert block is not None
    assert np.nansum(block.values) == 9


def test_rows_do_not_add_up_unless_the_mapping_says_so(tmp_path: Path) -> None:
    result = read(tmp_path, MAPPING.replace('{ sum = "QTY" }', '"QTY"'))
    assert [(f.file, f.line, f.column, f.code) for f in result.errors] == [
        ("SALES.csv", 3, "MONTH", "duplicate-key")
    ]


def test_quarters_are_spread_and_keep_their_totals(tmp_path: Path) -> None:
    mapping = MAPPING.replace('take = "history"', 'take = "history"\nspread = "quarter"')
    dataset = dataset_of(read(tmp_path, mapping))
    block = dataset.block("actualDemand")
    assert block is not None
    days = dataset.calendar.days[:3]
    assert block.values[0, :3] == pytest.approx(16 * days / days.sum())


def test_findings_name_the_foreign_place(tmp_path: Path) -> None:
    articles = EXPORT["ARTICLES.csv"].replace("Iron,R", "Iron,Q").replace("31.12.2024", "2024-12-31")
    result = read(tmp_path, ARTICLES=articles)
    assert [(f.file, f.line, f.column, f.code) for f in result.errors if f.file == "ARTICLES.csv"] == [
        ("ARTICLES.csv", 2, "SINCE", "wrong-type"),
        ("ARTICLES.csv", 3, "CLASS", "unmapped-value"),
    ]


def test_numbers_that_are_none_are_found_in_totals_and_factors(tmp_path: Path) -> None:
    sales = EXPORT["SALES.csv"].replace("1,12\n", "1,many\n")
    result = read(tmp_path, SALES=sales, ARTICLES=EXPORT["ARTICLES.csv"].replace(",0\n", ",-\n"))
    assert {(f.file, f.line, f.column) for f in result.errors} == {
        ("SALES.csv", 4, "NET"),
        ("ARTICLES.csv", 3, "PRICE"),
    }


def test_a_column_that_the_export_lacks_is_named(tmp_path: Path) -> None:
    result = read(tmp_path, ARTICLES=EXPORT["ARTICLES.csv"].replace("STATUS", "STATE"))
    assert {(f.line, f.column, f.code) for f in result.errors if f.file == "ARTICLES.csv"} >= {
        (1, "STATUS", "missing-column")
    }


def test_a_mapping_extends_another(tmp_path: Path) -> None:
    read(tmp_path)
    (tmp_path / "later.toml").write_text(
        'extends = "erp.toml"\nomit = ["selling_price"]\n[parameters]\nplan_date = 2025-02-01\n'
        '[[entity]]\nkind = "service_class"\nrows = [{ class = 1, late_cost = 0, short_cost = 9 }]\n',
        encoding="utf-8",
    )
    dataset = dataset_of(read_dataset(tmp_path, tmp_path / "later.toml"))
    assert dataset.parameters["plan_date"].isoformat() == "2025-02-01"  # type: ignore[union-attr]  # a date
    assert dataset.parameters["currency"] == "EUR"
    assert dataset.entities["selling_price"] == []
    assert [row["short_cost"] for row in dataset.entities["service_class"]] == [9]
    assert len(dataset.entities["item"]) == 2


def test_a_parameter_can_fill_a_column_and_be_overridden(tmp_path: Path) -> None:
    mapping = MAPPING + (
        '[[entity]]\nkind = "holiday"\nsource = "SALES.csv"\ndistinct = true\n'
        'columns.date = { parameter = "plan_date" }\n'
    )
    assert [str(row["date"]) for row in dataset_of(read(tmp_path, mapping)).entities["holiday"]] == [
        "2025-03-03"
    ]
    later = read_dataset(tmp_path, tmp_path / "erp.toml", parameters={"plan_date": "2025-02-03"})
    assert [str(row["date"]) for row in dataset_of(later).entities["holiday"]] == ["2025-02-03"]


BAD_ENTRIES = {
    "not TOML": ("name = ", None),
    "unknown entry": ('nmae = "x"', "nmae"),
    "unknown kind": ('[[entity]]\nkind = "thing"\nrows = []', "entity[1].kind"),
    "unknown measure": ('[[series]]\nmeasure = "thing"\nsource = "SALES.csv"', "series[1].measure"),
    "no such file": (
        '[[entity]]\nkind = "unit"\nsource = "X.csv"\ncolumns.unit = "A"',
        "entity[1] unit.source",
    ),
    "file elsewhere": (
        '[[entity]]\nkind = "unit"\nsource = "../X.csv"\ncolumns.unit = "A"',
        "entity[1] unit.source",
    ),
    "unknown target": (
        '[[entity]]\nkind = "unit"\nsource = "SALES.csv"\ncolumns.unti = "A"',
        "entity[1] unit.columns",
    ),
    "required target": (
        '[[entity]]\nkind = "unit"\nsource = "SALES.csv"\ncolumns.unit = "QTY"',
        "entity[1] unit.columns",
    ),
    "two bases": (
        '[[entity]]\nkind = "unit"\nsource = "SALES.csv"\ncolumns.unit = { column = "A", constant = "B" }',
        "entity[1] unit.columns.unit",
    ),
    "template without a column": (
        '[[entity]]\nkind = "unit"\nsource = "SALES.csv"\ncolumns.unit = { template = "A" }',
        "entity[1] unit.columns.unit.template",
    ),
    "unknown parameter": (
        '[[entity]]\nkind = "unit"\nsource = "SALES.csv"\ncolumns.unit = { parameter = "A" }',
        "entity[1] unit.columns.unit.parameter",
    ),
    "total of a date": (
        '[[series]]\nmeasure = "annualPlan"\nsource = "SALES.csv"\n'
        'columns = { family = "A", start = { max = "MONTH" }, value = "QTY" }',
        "series[1] annualPlan.columns",
    ),
    "bad selection": (
        '[[series]]\nmeasure = "annualPlan"\nsource = "SALES.csv"\ntake = "some"\n'
        'columns = { family = "A", start = "MONTH", value = "QTY" }',
        "series[1] annualPlan.take",
    ),
    "entries of the wrong shape": ("entity = 3", "entity"),
    "omits the unknown": ('omit = ["thing"]', "omit"),
    "extends nothing": ('extends = "nothing.toml"', None),
    "extends itself": ('extends = "erp.toml"', "extends"),
}


@pytest.mark.parametrize(("mapping", "entry"), BAD_ENTRIES.values(), ids=list(BAD_ENTRIES))
def test_a_bad_mapping_is_refused_by_its_entry(tmp_path: Path, mapping: str, entry: str | None) -> None:
    result = read(tmp_path, mapping)
    assert result.dataset is None
    assert {(f.column, f.code) for f in result.errors} == {(entry, "bad-mapping")}


def test_all_bad_entries_are_reported_at_once(tmp_path: Path) -> None:
    mapping = '[[entity]]\nkind = "thing"\n[[entity]]\nkind = "unit"\nsource = 3\ncolumns.unit = "A"\n'
    assert len(read(tmp_path, mapping).errors) == 2
