"""What is written reads back the same, and byte for byte when written again; nothing is half-written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.demo import COMPANY
from app.errors import Conflict
from app.exchange import Dataset, DatasetResult, SeriesBlock, read_dataset, write_dataset
from app.vocabulary import DIMENSIONS

Reader = Callable[..., DatasetResult]


def same(one: Dataset, other: Dataset) -> bool:
    if one.entities != other.entities or len(one.series) != len(other.series):
        return False
    return all(
        a.measure == b.measure and a.keys == b.keys and np.array_equal(a.values, b.values, equal_nan=True)
        for a, b in zip(one.series, other.series, strict=True)
    )


def read(directory: Path) -> Dataset:
    result = read_dataset(directory)
    assert result.dataset is not None, "\n".join(map(str, result.errors))
    return result.dataset


def content(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


@pytest.mark.parametrize("compress", [False, True])
def test_the_demonstration_company_survives_a_round_trip(tmp_path: Path, compress: bool) -> None:
    dataset = read(COMPANY)
    write_dataset(dataset, tmp_path / "one", compress=compress)
    again = read(tmp_path / "one")
    assert same(dataset, again)
    write_dataset(again, tmp_path / "two", compress=compress)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert all(name.endswith(".gz") == compress for name in content(tmp_path / "one"))


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(Conflict):
        write_dataset(read(COMPANY), tmp_path)
    assert content(tmp_path) == {"kept.txt": b"mine"}


def test_a_failure_leaves_nothing_behind(tmp_path: Path, read_changed: Reader) -> None:
    dataset = read_changed({}).dataset
    assert dataset is not None
    broken = SeriesBlock("noSuchMeasure", dataset.series[0].keys, dataset.series[0].values)
    with pytest.raises(KeyError):
        write_dataset(Dataset(dataset.entities, [*dataset.series, broken]), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


names = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="|"), min_size=1, max_size=12)
numbers = st.floats(0, 1e12, allow_nan=False) | st.just(float("nan"))


@given(
    texts=st.lists(
        st.tuples(names, st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20)),
        max_size=5,
        unique_by=lambda t: t[0],
    ),
    values=st.lists(numbers, min_size=4, max_size=4),
    factor=st.floats(1e-9, 1e12),
)
def test_any_rows_and_values_survive_a_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    good_directory: Path,
    texts: list[tuple[str, str]],
    values: list[float],
    factor: float,
) -> None:
    base = read(good_directory)
    taken = {row["unit"] for row in base.entities["unit"]}
    units = [{"unit": code, "name": name or "-", "whole": False} for code, name in texts if code not in taken]
    entities = {**base.entities, "unit": base.entities["unit"] + units}
    entities["unit_conversion"] = [{"item": None, "from_unit": "CTN", "to_unit": "EA", "factor": factor}]
    grid = np.full((1, len(base.calendar)), np.nan)
    grid[0, :4] = values
    key = tuple({"item": "TOY", "customer": "ACME"}.get(name) for name in DIMENSIONS)
    blocks = [SeriesBlock("customerSignal", [key], grid)] if not np.isnan(values).all() else []
    dataset = Dataset(entities, blocks)
    directory = tmp_path_factory.mktemp("written")
    write_dataset(dataset, directory)
    assert same(dataset, read(directory))
