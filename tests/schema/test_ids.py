"""Ids: one per object and reader, and of no use to anybody else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth import Audience, Principal
from app.config import Settings
from app.errors import BadId, ConfigurationError
from schema.ids import IdCodec, IdCodecs

CODECS = IdCodecs(b"s" * 32)


def reader(audience: Audience, party: str | None, role: str = "any") -> IdCodec:
    return CODECS.of(Principal("s", audience, party, role, 0, "i", "t"))


ONE = reader("supplier", "V01")
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1f"), min_size=1, max_size=30)
keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(names, keys)
def test_an_id_reads_back_and_never_changes(kind: str, key: str) -> None:
    text = ONE.encode(kind, key)
    assert ONE.encode(kind, key) == text
    assert ONE.decode_any(text) == (kind, key)
    assert ONE.decode(kind, text) == key


@given(names, keys)
def test_another_reader_can_do_nothing_with_it(kind: str, key: str) -> None:
    text = ONE.encode(kind, key)
    for other in (reader("supplier", "V02"), reader("customer", "V01"), reader("internal", None)):
        assert other.encode(kind, key) != text
        with pytest.raises(BadId):
            other.decode_any(text)


def test_another_kind_is_refused() -> None:
    with pytest.raises(BadId):
        ONE.decode("Site", ONE.encode("Item", "A"))
    assert ONE.encode("Item", "A") != ONE.encode("Site", "A")


def test_departments_of_the_host_share_their_ids() -> None:
    text = reader("internal", "SALES", "sales").encode("Item", "A")
    assert reader("internal", "FIN", "finance").decode("Item", text) == "A"


@given(st.integers(0, 5000), st.sampled_from("abcXYZ019-_=+/ é"))
def test_no_changed_letter_goes_unnoticed(position: int, letter: str) -> None:
    text = ONE.encode("Item", "A-100")
    place = position % (len(text) + 1)
    changed = text[:place] + letter + text[place + 1 :]
    if changed != text:
        with pytest.raises(BadId):
            ONE.decode_any(changed)


@given(st.text(max_size=200))
def test_any_other_text_is_a_bad_id(text: str) -> None:
    with pytest.raises(BadId):
        ONE.decode_any(text)


@pytest.mark.parametrize("text", ["", "A", "=", "AAAA", "\x00", "A" * 100_000, "٣" * 40, "../../etc"])
def test_odd_texts_are_bad_ids(text: str) -> None:
    with pytest.raises(BadId):
        ONE.decode_any(text)


def test_the_length_of_a_number_does_not_show() -> None:
    assert len({len(ONE.encode("Commit", str(10**digits))) for digits in range(8)}) == 1


def test_a_kind_that_could_be_mistaken_is_a_programming_error() -> None:
    for kind in ("", "Item\x1fA"):
        with pytest.raises(ValueError, match="no kind"):
            ONE.encode(kind, "B")


def test_the_secret_lies_in_the_home_and_outlives_the_process(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    principal = Principal("s", "internal", None, "planner", 0, "i", "t")
    text = IdCodecs.load(settings).of(principal).encode("Item", "A")
    assert IdCodecs.load(settings).of(principal).decode("Item", text) == "A"
    other = IdCodecs.load(Settings(home=tmp_path / "other")).of(principal)
    with pytest.raises(BadId):
        other.decode("Item", text)
    (tmp_path / "keys" / "ids.secret").write_bytes(b"short")
    with pytest.raises(ConfigurationError, match="32 bytes"):
        IdCodecs.load(settings)
