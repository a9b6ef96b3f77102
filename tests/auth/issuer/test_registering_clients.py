"""What is kept of clients, and what cannot be registered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from app.access import IDENTITY
from app.errors import Conflict, InputError
from app.services.identity.clients import all_clients, read_public_keys, revoke_client
from app.store.database import Database
from tests.auth.issuer.helpers import register

KEY = ECKey.generate_key("P-256", {"kid": "k1"})


async def test_nothing_on_record_gives_a_secret_away(database: Database) -> None:
    made = await register(database)
    assert made.secret is not None
    assert made.secret not in repr(made)
    async with database.read(IDENTITY) as tx:
        row = await tx.fetch_one("SELECT secret_hash FROM identity.client")
        assert row is not None
        assert row["secret_hash"].startswith("$argon2id$")
        assert made.secret not in row["secret_hash"]
        assert not any("secret" in name for name in vars(type((await all_clients(database))[0])))


UNREGISTRABLE: list[dict[str, Any]] = [
    {"name": "Erp"},
    {"name": "erp export"},
    {"name": ""},
    {"audience": "admin"},
    {"role": "nobody"},
    {"role": "supplier_planner"},
    {"role": "host"},
    {"audience": "supplier", "role": "supplier_planner"},
    {"audience": "supplier", "role": "supplier_planner", "party": "NOBODY"},
    {"ttl_seconds": 0},
    {"public_key": b"nothing"},
    {"public_key": KEY.as_pem(private=True)},
    {"public_key": b'{"kty": "oct", "k": "AAAA"}'},
    {"public_key": b'{"keys": []}'},
    {"public_key": b"{"},
]


async def test_what_cannot_be_registered(database: Database) -> None:
    for options in UNREGISTRABLE:
        with pytest.raises(InputError):
            await register(database, **options)
    assert await all_clients(database) == []


async def test_an_id_is_never_given_again(database: Database) -> None:
    await register(database)
    await revoke_client(database, "erp", by="test")
    with pytest.raises(Conflict):
        await register(database)


@pytest.mark.parametrize("key", [KEY, RSAKey.generate_key(2048), OKPKey.generate_key("Ed25519")])
def test_a_public_key_is_read_from_pem_and_jwk(key: Any) -> None:
    kid = key.thumbprint()
    for contents in (key.as_pem(private=False), json.dumps(key.as_dict(private=False)).encode()):
        (read,) = read_public_keys(contents)["keys"]  # type: ignore[misc]  # a list of JWKs
        assert read["kid"] in (kid, "k1")
