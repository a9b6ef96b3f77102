"""The keys of a provider as they rotate, and as the provider fails: over real HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from app.auth import remote_keys
from app.auth.remote_keys import RemoteKeys, Timing, fetch_json, is_secure
from app.auth.verifying import MAX_KEYS, read_key_set
from tests.auth.provider import NEW_KEY, Provider, running_provider

ALGORITHMS = ("RS256", "ES256", "EdDSA")


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        running.publish(NEW_KEY["ES256"]("k1"))
        yield running


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def keys_of(provider: Provider, clock: Clock, **options: object) -> RemoteKeys:
    return RemoteKeys(provider.issuer, ALGORITHMS, timing=Timing(floor=30, fresh=300), clock=clock, **options)  # type: ignore[arg-type]  # options of the test


async def test_keys_are_discovered_once_and_kept(provider: Provider) -> None:
    clock = Clock()
    keys = keys_of(provider, clock)
    assert keys.known("k1") is None
    for _ in range(50):
        found = await keys.find("k1")
        assert found is not None
        assert found.algorithms == {"ES256"}
    assert keys.known("k1") is found
    assert provider.asked == {"/.well-known/openid-configuration": 1, "/jwks": 1}


async def test_an_explicit_address_needs_no_discovery(provider: Provider) -> None:
    keys = keys_of(provider, Clock(), jwks_uri=f"{provider.issuer}/jwks")
    assert await keys.find("k1")
    assert provider.asked == {"/jwks": 1}


async def test_a_rotated_key_is_found_after_the_floor_and_the_old_one_is_gone(
    provider: Provider,
) -> None:
    clock = Clock()
    keys = keys_of(provider, clock)
    assert await keys.find("k1")
    provider.publish(NEW_KEY["ES256"]("k2"))
    clock.now += 29
    assert await keys.find("k2") is None
    assert await keys.find("k1")
    clock.now += 1
    assert await keys.find("k2")
    assert await keys.find("k1") is None
    assert provider.asked["/jwks"] == 2


async def test_a_withdrawn_key_is_refused_once_the_kept_ones_are_old(provider: Provider) -> None:
    clock = Clock()
    keys = keys_of(provider, clock)
    assert await keys.find("k1")
    provider.publish(NEW_KEY["ES256"]("k2"))
    clock.now += 299
    assert await keys.find("k1")
    clock.now += 1
    assert await keys.find("k1") is None


async def test_a_flood_of_unknown_ids_asks_once_in_each_floor(provider: Provider) -> None:
    clock = Clock()
    keys = keys_of(provider, clock)
    assert await keys.find("k1")
    for second in range(90):
        clock.now += 1
        for number in range(20):
            assert await keys.find(f"evil-{second}-{number}") is None
    assert provider.asked["/jwks"] == 1 + 3


async def test_concurrent_callers_share_one_request(provider: Provider) -> None:
    provider.mode = "slow"
    keys = keys_of(provider, Clock())
    found = await asyncio.gather(*(keys.find("k1") for _ in range(200)))
    assert all(key is found[0] and key is not None for key in found)
    assert provider.asked == {"/.well-known/openid-configuration": 1, "/jwks": 1}


async def test_a_caller_that_gives_up_takes_nobody_else_along(provider: Provider) -> None:
    provider.mode = "slow"
    keys = keys_of(provider, Clock())
    first, second = asyncio.create_task(keys.find("k1")), asyncio.create_task(keys.find("k1"))
    await asyncio.sleep(0.05)
    first.cancel()
    assert await second is not None


@pytest.mark.parametrize("mode", ["error", "redirect", "not json", "a list", "huge"])
async def test_while_the_provider_fails_known_keys_go_on_and_unknown_ones_are_none(
    mode: str, provider: Provider
) -> None:
    clock = Clock()
    keys = keys_of(provider, clock)
    assert await keys.find("k1")
    provider.mode = mode
    for _ in range(5):
        clock.now += 400
        assert await keys.find("k1")
        assert await keys.find("k2") is None
    assert provider.asked["/elsewhere"] == 0
    provider.mode = "well"
    provider.publish(NEW_KEY["ES256"]("k2"))
    clock.now += 400
    assert await keys.find("k2")


async def test_a_provider_that_hangs_holds_nobody_for_long(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    keys = keys_of(provider, clock)
    assert await keys.find("k1")
    monkeypatch.setattr(remote_keys, "TIMEOUT_SECONDS", 0.3)
    provider.mode = "hang"
    started = time.monotonic()
    clock.now += 400
    assert await keys.find("k1"), "the first caller waits for the timeout and goes on with the known key"
    assert await keys.find("k2") is None
    assert 0.2 < time.monotonic() - started < 1.5
    clock.now += 400
    started = time.monotonic()
    assert await keys.find("k1"), "while the provider fails a known key waits for nothing"
    assert time.monotonic() - started < 0.1
    assert await keys.find("k2") is None


async def test_a_provider_that_is_not_there(provider: Provider) -> None:
    keys = RemoteKeys("http://127.0.0.1:1", ALGORITHMS)
    assert await keys.find("k1") is None


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://127.0.0.1:1"},
        {"issuer": None},
        {"jwks_uri": "http://192.0.2.1/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"jwks_uri": ["http://127.0.0.1/jwks"]},
    ],
)
async def test_a_discovery_document_that_cannot_be_trusted(
    change: dict[str, object], provider: Provider
) -> None:
    provider.discovery |= change
    assert await keys_of(provider, Clock()).find("k1") is None
    assert provider.asked["/jwks"] == 0


@pytest.mark.parametrize(
    ("address", "secure"),
    [
        ("https://login.example.com/x", True),
        ("http://127.0.0.1:8080/x", True),
        ("http://[::1]/x", True),
        ("http://localhost/x", True),
        ("http://login.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://localhost@evil.example", False),
        ("https://user@login.example.com", False),
        ("https://login.example.com/#x", False),
        ("ftp://127.0.0.1/x", False),
        ("https://", False),
        ("https://[::1", False),
        ("urn:concord:local", False),
        ("", False),
    ],
)
async def test_only_https_and_this_machine_are_asked(address: str, secure: bool) -> None:
    assert is_secure(address) is secure
    if not secure:
        with pytest.raises(remote_keys.ProviderError, match="neither https"):
            await fetch_json(address)


def public(key: RSAKey | ECKey, **changes: object) -> dict[str, object]:
    return {**key.as_dict(private=False), "kid": "k", **changes}


RSA, EC = RSAKey.generate_key(2048), ECKey.generate_key("P-256")
LEFT_OUT: dict[str, dict[str, object]] = {
    "no kid": {name: value for name, value in public(EC).items() if name != "kid"},
    "kid a number": public(EC, kid=1),
    "for encryption": public(EC, use="enc"),
    "to sign": public(EC, key_ops=["sign"]),
    "of another algorithm": public(RSA, alg="RS512"),
    "of another curve": public(ECKey.generate_key("P-384")),
    "a shared secret": {**OctKey.generate_key(256).as_dict(), "kid": "k"},
    "a shared secret for RS256": {"kty": "oct", "k": "AAAA", "kid": "k", "alg": "RS256"},
    "published with its private half": {**EC.as_dict(private=True), "kid": "k"},
    "without its point": {"kty": "EC", "crv": "P-256", "kid": "k"},
    "with a wrong point": public(EC, x="AAAA"),
    "weak": {"kty": "RSA", "e": "AQAB", "n": "4" * 171, "kid": "k"},
    "of an unknown type": {"kty": "AKP", "kid": "k"},
    "of no type": {"kid": "k"},
}


@pytest.mark.parametrize("name", LEFT_OUT)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_keys_that_cannot_be_used_are_left_out(name: str) -> None:
    good = public(EC, kid="good", x5c=["ignored"], x5u="https://evil.example")
    assert set(read_key_set({"keys": [LEFT_OUT[name], good, "x", None]}, ALGORITHMS)) == {"good"}


def test_of_two_keys_with_one_id_neither_is_taken() -> None:
    assert read_key_set({"keys": [public(EC), public(RSA), public(EC, kid="o")]}, ALGORITHMS).keys() == {"o"}


@pytest.mark.parametrize("keys", [None, {}, "x", [public(EC)] * (MAX_KEYS + 1)])
def test_what_is_no_key_set(keys: object) -> None:
    with pytest.raises(ValueError, match="no list"):
        read_key_set({"keys": keys}, ALGORITHMS)
