"""Each way in which a dataset can be wrong is found, at its place, under its code."""

from __future__ import annotations

import gzip
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from app.exchange import Code, DatasetResult, Finding, FindingLog
from app.exchange.findings import Place

Reader = Callable[..., DatasetResult]

CASES = tomllib.loads((Path(__file__).parent / "bad_datasets.toml").read_text(encoding="utf-8"))
Changes = Mapping[str, str | bytes | None]

# what TOML cannot hold: the change, and the finding expected
BYTES: dict[str, tuple[Changes, str]] = {
    "control character": (
        {"family.csv": "family,name\nALL,All\nTOYS,T\x00ys\n"},
        "family.csv:3:name [wrong-type]",
    ),
    "bad encoding": (
        {"unit.csv": b"unit,name\nEA,St\xfcck\nCTN,Carton\nKG,Kilo\n"},
        "unit.csv:2:name [bad-encoding]",
    ),
    "UTF-16": ({"unit.csv": "unit,name\nEA,Piece\n".encode("utf-16")}, "unit.csv:1 [bad-encoding]"),
    "endless line": ({"unit.csv": f"unit,name\nEA,{'x' * (1 << 20)}\n"}, "unit.csv:2 [malformed-row]"),
    "damaged compression": (
        {"unit.csv": None, "unit.csv.gz": gzip.compress(b"unit,name\nEA,Piece\n")[:-9]},
        "unit.csv.gz [unreadable-file]",
    ),
    "no compression at all": (
        {"unit.csv": None, "unit.csv.gz": b"unit,name\n"},
        "unit.csv.gz [unreadable-file]",
    ),
}
ALL = {**{name: (case["files"], case["found"]) for name, case in CASES.items()}, **BYTES}


def place(finding: Finding) -> str:
    parts = (finding.file, finding.line, finding.column)
    return f"{':'.join(str(part) for part in parts if part is not None)} [{finding.code}]"


@pytest.mark.parametrize(("changes", "expected"), ALL.values(), ids=list(ALL))
def test_bad_data_are_found_and_refused(read_changed: Reader, changes: Changes, expected: str) -> None:
    result = read_changed(changes)
    assert result.dataset is None
    assert expected in map(place, result.errors), "\n".join(map(str, result.findings))


def test_every_error_code_has_a_case() -> None:
    elsewhere = {Code.BAD_MAPPING, Code.UNMAPPED_VALUE}  # test_mapping.py
    warnings = {code for code in Code if code.doc.startswith("Warning")}
    found = {expected.partition(" [")[2].rstrip("]") for _, expected in ALL.values()}
    assert found == set(Code) - elsewhere - warnings


def test_all_bad_rows_are_reported_at_once(read_changed: Reader) -> None:
    result = read_changed(
        {
            "bom.csv": "parent,component,quantity\nTOY,ARM,x\nARM,IRON,-1\nTOY,NONE,1\n",
            "series/openingStock.csv": "item,site,start,value\nTOY,WORKS,2025-03-03,y\nTOY,X,2025-03-03,1\n",
        }
    )
    assert [(f.file, f.line) for f in result.errors] == [
        ("bom.csv", 2),
        ("bom.csv", 3),
        ("bom.csv", 4),
        ("series/openingStock.csv", 2),
        ("series/openingStock.csv", 3),
    ]


def test_a_finding_reads_as_place_found_expected(read_changed: Reader) -> None:
    (finding,) = read_changed({"bom.csv": "parent,component,quantity\nTOY,ARM,-2\n"}).findings
    assert str(finding) == "bom.csv:2:quantity: error: found '-2', expected a number > 0 [negative-value]"


def test_a_row_with_one_bad_cell_does_not_make_its_code_unknown(read_changed: Reader) -> None:
    result = read_changed(
        {"item.csv": "item,name,type,unit\nTOY,Toy,finished,EA\nARM,Arm,wrong,EA\nIRON,Iron,purchased,KG\n"}
    )
    assert list(map(place, result.errors)) == ["item.csv:3:type [value-not-allowed]"]


def test_findings_past_the_cap_are_counted(read_changed: Reader) -> None:
    rows = "".join(f"P{number},C,x\n" for number in range(50))
    result = read_changed({"bom.csv": "parent,component,quantity\n" + rows}, FindingLog(per_place=10))
    assert len(result.errors) == 11
    assert result.errors[-1].found == "40 more of these, counted only"
    assert result.errors[-1].code == "wrong-type"


def test_findings_in_all_are_capped() -> None:
    log = FindingLog(per_place=5, in_all=7)
    for file in ("a.csv", "b.csv"):
        for line in range(6):
            log.error(Code.WRONG_TYPE, Place(file, line), "x", "y")
    findings = log.close()
    assert sum(f.line is not None for f in findings) == 7
    assert log.errors == 12
    assert {f.found for f in findings if f.line is None} == {
        "1 more of these, counted only",
        "4 more of these, counted only",
    }


def test_long_and_strange_values_are_shown_in_one_short_line(read_changed: Reader) -> None:
    (finding,) = read_changed({"bom.csv": f'parent,component,quantity\nTOY,ARM,"a\nb{"x" * 500}"\n'}).findings
    assert "\n" not in str(finding)
    assert len(finding.found) < 100


def test_what_planning_will_not_know_is_a_warning(read_changed: Reader, good: dict[str, str]) -> None:
    result = read_changed(
        {
            "supplier_item.csv": "supplier,item,lead_time_days,unit\nACME,IRON,14,CTN\n",
            "purchase_price.csv": "supplier,item,price,per_unit,currency\nACME,IRON,3.2,CTN,EUR\n",
            "lane.csv": None,
            "bom.csv": "parent,component,quantity\nARM,IRON,1\n",
            "routing.csv": "item,site,operation,resource,hours_per_unit\nTOY,WORKS,10,PRESS,0.1\n",
            "item.csv": good["item.csv"] + "NEW,New,finished,EA,\n",
            "selling_price.csv": "item,price,currency\nTOY,19,EUR\nNEW,5,EUR\n",
        }
    )
    assert result.dataset is not None
    assert {(f.file, f.line, f.code) for f in result.warnings} == {
        ("supplier_item.csv", 2, "unknown-conversion"),
        ("purchase_price.csv", 2, "unknown-conversion"),
        ("site.csv", 3, "no-lane"),
        ("production.csv", 2, "no-bom"),
        ("production.csv", 3, "no-routing"),
        ("item.csv", 5, "no-source"),
    }
    assert result.dataset.entities["supplier_item"][0]["unit"] == "CTN"
