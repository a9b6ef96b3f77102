"""The log taken out: an export is checked by itself, and any change of it is found."""

from __future__ import annotations

import orjson
import pytest

from app.access import HOST
from app.errors import InputError, NotFound
from app.services.audit import chain_head, check_export, erase_subject, export_log, parse_head
from app.services.verify import verify_store
from app.store.audit import Event, Who, record
from app.store.audit_chain import Head, seal_pending
from app.store.database import Database


async def exported(database: Database) -> list[bytes]:
    """Write three events, seal them, and return the lines of an export."""
    for subject in ("alice", "bob", "alice"):
        async with database.write(HOST) as tx:
            await record(tx, Event("write", "test", who=Who(subject=subject), detail={"ü": [1, 2]}))
    await seal_pending(database)
    lines: list[bytes] = []
    await export_log(database, HOST, lines.append)
    return lines


async def test_an_export_is_verifiable_by_itself(database: Database) -> None:
    lines = await exported(database)
    found = check_export(lines)
    assert found.findings == ()
    assert orjson.loads(lines[-1]) == {"head": found.head.hash.hex(), "position": len(lines) - 1}
    assert found.head == await chain_head(database), "what is exported is what is sealed"
    assert not any(b"alice" in line for line in lines), "names stay at home"


async def test_a_head_kept_elsewhere_proves_that_nothing_was_cut_off(database: Database) -> None:
    lines = await exported(database)
    kept = check_export(lines).head
    await seal_pending(database)  # the export itself was put on record
    later: list[bytes] = []
    end = await export_log(database, HOST, later.append)
    assert end.position > kept.position
    assert check_export(later, kept).findings == ()
    short = [*lines[:-2], orjson.dumps({"head": orjson.loads(lines[-3])["hash"], "position": len(lines) - 2})]
    assert check_export(short).findings == (), "by itself a cut chain is whole"
    (finding,) = check_export(short, kept).findings
    assert f"seal {kept.position} with the hash kept elsewhere" in finding
    assert (await verify_store(database, log_head=kept)).findings == []
    wrong = Head(kept.position, bytes(32))
    assert "kept elsewhere" in (await verify_store(database, log_head=wrong)).findings[0]
    assert parse_head(f"{kept.position}:{kept.hash.hex()}") == kept


async def test_every_change_of_a_line_is_found(database: Database) -> None:
    lines = await exported(database)
    for number in range(len(lines) - 1):
        entry = orjson.loads(lines[number])
        for name, value in entry.items():
            changed = {**entry, name: f"{value}0" if isinstance(value, str) else 7}
            damaged = [*lines[:number], orjson.dumps(changed), *lines[number + 1 :]]
            if name == "hash":
                with pytest.raises(InputError):
                    check_export(damaged)
            else:
                assert check_export(damaged).findings, (number, name)
        assert check_export([*lines[:number], *lines[number + 1 :]]).findings, "a line is missing"
    assert check_export([lines[1], lines[0], *lines[2:]]).findings, "two lines changed places"


@pytest.mark.parametrize("lines", [[], [b"no json"], [b"[]"], [b'{"position": 1}'], [b'{"hash": "00"}']])
def test_what_is_no_export_is_said_to_be_none(lines: list[bytes]) -> None:
    with pytest.raises(InputError):
        check_export(lines)


async def test_a_name_is_erased_and_an_older_export_still_fits(database: Database) -> None:
    lines = await exported(database)
    kept = check_export(lines).head
    pseudonym = await erase_subject(database, HOST, "alice")
    assert any(pseudonym.encode() in line for line in lines)
    await seal_pending(database)
    assert (await verify_store(database, log_head=kept)).findings == []
    with pytest.raises(NotFound):
        await erase_subject(database, HOST, "alice")


@pytest.mark.parametrize("text", ["", "x:00", "1", "1:xyz"])
def test_a_head_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_head(text if text != "1" else "one")
