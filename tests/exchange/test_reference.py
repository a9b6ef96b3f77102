"""docs/dataset.md shows the vocabulary as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.exchange.reference import main, updated

DOCUMENT = Path(__file__).parents[2] / "docs" / "dataset.md"


def test_the_generated_part_is_up_to_date() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == updated(text), "run: python -m app.exchange.reference docs/dataset.md"


def test_a_stale_document_is_renewed_below_its_head(tmp_path: Path) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    stale = tmp_path / "dataset.md"
    stale.write_text(text.replace("| `no-lane` |", "| `no-road` |"), encoding="utf-8")
    main(stale)
    assert stale.read_text(encoding="utf-8") == text


def test_a_document_without_the_marker_is_refused() -> None:
    with pytest.raises(ValueError, match="marker"):
        updated("# The dataset format\n")
