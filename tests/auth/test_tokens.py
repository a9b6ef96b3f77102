"""Tokens: what the local issuer signs is accepted, and nothing else is."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from joserfc.jws import JWSRegistry

from app.auth import Principal, SigningKeys, TokenValidator, issue_token, load_signing_keys
from app.config import Settings
from app.errors import InputError, Unauthenticated

Forge = Callable[..., str]
NOTHING: Mapping[str, object] = MappingProxyType({})


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def keys(settings: Settings) -> SigningKeys:
    return load_signing_keys(settings)


@pytest.fixture(scope="module")
def validator(settings: Settings, keys: SigningKeys) -> TokenValidator:
    return TokenValidator(settings, keys)


def _encode(value: object) -> str:
    """Return a base64url segment of JSON, or of the text as it is."""
    raw = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def forge(settings: Settings, keys: SigningKeys) -> Forge:
    """Sign any header and payload with the right key: only what the test changes can be the cause."""
    now = int(time.time())
    good_header = {"alg": "ES256", "kid": keys.kid, "typ": "at+jwt"}
    good_claims = {
        "iss": settings.token_issuer,
        "aud": settings.token_audience,
        "sub": "anna",
        "iat": now,
        "exp": now + 60,
        "jti": "t1",
        "concord_audience": "internal",
        "concord_role": "sales",
        "concord_party": "SALES",
    }

    def make(
        header: Mapping[str, object] | str = NOTHING,
        claims: Mapping[str, object] | str = NOTHING,
        drop: str = "",
    ) -> str:
        first = header if isinstance(header, str) else {**good_header, **header}
        second = claims if isinstance(claims, str) else {**good_claims, **claims}
        for part in (first, second):
            if isinstance(part, dict):
                part.pop(drop, None)
        signed = f"{_encode(first)}.{_encode(second)}"
        signature = _raw_signature(keys.private, signed.encode())
        return f"{signed}.{signature}"

    return make


def _raw_signature(key: ECKey, message: bytes) -> str:
    return base64.urlsafe_b64encode(JWSRegistry.algorithms["ES256"].sign(message, key)).rstrip(b"=").decode()


def test_an_issued_token_yields_its_principal(settings: Settings, validator: TokenValidator) -> None:
    before = int(time.time())
    principal = validator.validate(issue_token(settings, "supplier", "supplier_planner", "V07", ttl=90))
    assert principal == Principal(
        subject="supplier_planner@V07",
        audience="supplier",
        party="V07",
        role="supplier_planner",
        expires_at=principal.expires_at,
        issuer="urn:concord:local",
        token_id=principal.token_id,
    )
    assert before + 90 <= principal.expires_at <= time.time() + 90
    assert len(principal.token_id) >= 16


def test_the_forged_token_is_good_when_nothing_is_changed(forge: Forge, validator: TokenValidator) -> None:
    assert validator.validate(forge()).subject == "anna"


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({}, {"aud": ["urn:other", "urn:concord:api"]}),
        ({"typ": "application/at+jwt"}, {}),
        ({"typ": "AT+JWT"}, {}),
        ({}, {"exp": time.time() + 86_400.5}),
        ({}, {"nbf": int(time.time())}),
        ({}, {"unknown_claim": {"a": [1]}}),
    ],
)
def test_other_spellings_of_a_good_token(
    forge: Forge, validator: TokenValidator, header: dict[str, object], claims: dict[str, object]
) -> None:
    assert validator.validate(forge(header, claims)).role == "sales"


def test_a_department_may_be_left_out_but_not_an_outside_party(
    forge: Forge, validator: TokenValidator
) -> None:
    assert validator.validate(forge(drop="concord_party")).party is None
    with pytest.raises(Unauthenticated):
        validator.validate(forge(claims={"concord_audience": "customer"}, drop="concord_party"))


HEADERS: dict[str, dict[str, object] | str] = {
    "no algorithm": {"alg": "none"},
    "none in capitals": {"alg": "NONE"},
    "another algorithm of the key": {"alg": "ES384"},
    "algorithm as a list": {"alg": ["ES256"]},
    "algorithm null": {"alg": None},
    "embedded key": {"jwk": {"kty": "EC"}},
    "key set address": {"jku": "https://evil.example/keys"},
    "certificate address": {"x5u": "https://evil.example/cert"},
    "certificate": {"x5c": ["MII"]},
    "critical": {"crit": ["exp"]},
    "critical, empty": {"crit": []},
    "unencoded payload": {"b64": False},
    "zipped": {"zip": "DEF"},
    "nested": {"cty": "JWT"},
    "unknown parameter": {"x": 1},
    "unknown kid": {"kid": "other"},
    "kid as a path": {"kid": "../../../../dev/null"},
    "kid with an injected statement": {"kid": "x' OR '1'='1"},
    "kid a number": {"kid": 1},
    "kid a list": {"kid": ["x"]},
    "kid empty": {"kid": ""},
    "ID token": {"typ": "JWT"},
    "logout token": {"typ": "logout+jwt"},
    "client assertion": {"typ": "client-authentication+jwt"},
    "typ a number": {"typ": 1},
    "typ empty": {"typ": ""},
    "a list": "[]",
    "not JSON": "{",
    "null": "null",
    "a lone surrogate": '"\\ud800"',
    "deep": "[" * 500,
}


@pytest.mark.parametrize("name", HEADERS)
def test_refused_headers(name: str, forge: Forge, validator: TokenValidator) -> None:
    with pytest.raises(Unauthenticated):
        validator.validate(forge(HEADERS[name]))


@pytest.mark.parametrize("name", ["alg", "kid", "typ"])
def test_required_headers(name: str, forge: Forge, validator: TokenValidator) -> None:
    with pytest.raises(Unauthenticated):
        validator.validate(forge(drop=name))


NOW = int(time.time())
CLAIMS: dict[str, dict[str, object] | str] = {
    "another issuer": {"iss": "urn:evil"},
    "issuer as a list": {"iss": ["urn:concord:local"]},
    "issuer with a space": {"iss": "urn:concord:local "},
    "another audience": {"aud": "urn:other"},
    "no audience in the list": {"aud": []},
    "audience list with a number": {"aud": ["urn:concord:api", 1]},
    "audience an object": {"aud": {"urn:concord:api": 1}},
    "audience part of a text": {"aud": "urn:concord:api:other"},
    "expired": {"iat": NOW - 7200, "exp": NOW - 3600},
    "expired just now": {"iat": NOW - 7200, "exp": NOW - 6},
    "expires as text": {"exp": str(NOW + 60)},
    "expires true": {"exp": True},
    "expires in a list": {"exp": [NOW + 60]},
    "expires negative": {"exp": -1},
    "expires absurdly late": {"exp": 10**30},
    "expires null": {"exp": None},
    "expires before it was issued": {"iat": NOW + 3, "exp": NOW + 2},
    "issued in the future": {"iat": NOW + 3000, "exp": NOW + 6000},
    "issued as text": {"iat": "yesterday"},
    "not yet valid": {"nbf": NOW + 3000, "exp": NOW + 6000},
    "not before as text": {"nbf": "now"},
    "not before null": {"nbf": None},
    "subject a number": {"sub": 1},
    "subject empty": {"sub": ""},
    "subject with a line feed": {"sub": "anna\nadmin"},
    "subject too long": {"sub": "a" * 201},
    "audience of no graph": {"concord_audience": "admin"},
    "audience a list": {"concord_audience": ["internal"]},
    "role a list": {"concord_role": ["sales", "finance"]},
    "role empty": {"concord_role": ""},
    "party null": {"concord_party": None},
    "party a number": {"concord_party": 7},
    "party with a null character": {"concord_party": "V07\x00"},
    "a list": "[]",
    "text": '"x"',
    "nothing": "null",
    "not JSON": "{",
    "infinite expiry": '{"exp": 1e400}',
    "deep": "[" * 5000,
}


@pytest.mark.parametrize("name", CLAIMS)
def test_refused_claims(name: str, forge: Forge, validator: TokenValidator) -> None:
    with pytest.raises(Unauthenticated):
        validator.validate(forge(claims=CLAIMS[name]))


@pytest.mark.parametrize("text", ["1e400", "-1e400", "NaN", "Infinity", "9" * 5000])
def test_absurd_numbers_are_refused_in_an_otherwise_good_token(
    text: str, forge: Forge, validator: TokenValidator
) -> None:
    payload = _payload(forge())
    good_exp = f'"exp": {json.loads(payload)["exp"]}'
    assert good_exp in payload
    with pytest.raises(Unauthenticated):
        validator.validate(forge(claims=payload.replace(good_exp, f'"exp": {text}')))


def test_a_claim_given_twice_is_refused(forge: Forge, validator: TokenValidator) -> None:
    payload = _payload(forge())
    assert validator.validate(forge(claims=payload)).role == "sales"
    with pytest.raises(Unauthenticated):
        validator.validate(forge(claims=payload[:-1] + ', "concord_role": "sales"}'))


def _payload(token: str) -> str:
    segment = token.split(".")[1]
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)).decode()


@pytest.mark.parametrize(
    "name", ["iss", "aud", "sub", "iat", "exp", "jti", "concord_audience", "concord_role"]
)
def test_required_claims(name: str, forge: Forge, validator: TokenValidator) -> None:
    with pytest.raises(Unauthenticated):
        validator.validate(forge(drop=name))


def test_the_public_key_is_no_shared_secret(
    keys: SigningKeys, forge: Forge, validator: TokenValidator
) -> None:
    """HS256 over the public key, as PEM and as JWK, is the classic confusion of algorithms."""
    claims = json.loads(_payload(forge()))
    public = keys.public[keys.kid]
    for secret in (public.as_pem(private=False), json.dumps(public.as_dict(private=False)).encode()):
        oct_key = OctKey.import_key(base64.urlsafe_b64encode(secret).decode())
        header = {"alg": "HS256", "kid": keys.kid, "typ": "at+jwt"}
        with pytest.raises(Unauthenticated):
            validator.validate(jwt.encode(header, dict(claims), oct_key, algorithms=["HS256"]))


@pytest.mark.parametrize(
    "key", [ECKey.generate_key("P-256"), RSAKey.generate_key(2048)], ids=["ES256", "RS256"]
)
def test_another_key_under_our_kid_is_refused(
    key: Any, keys: SigningKeys, forge: Forge, validator: TokenValidator
) -> None:
    algorithm = "ES256" if key.key_type == "EC" else "RS256"
    header = {"alg": algorithm, "kid": keys.kid, "typ": "at+jwt"}
    with pytest.raises(Unauthenticated):
        validator.validate(jwt.encode(header, json.loads(_payload(forge())), key, algorithms=[algorithm]))


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "a.b.c.d.e",
        " ",
        "é.é.é",
        "a" * 10_000,
        "{}",
        "\x00",
        "eyJhbGciOiJub25lIn0..",
        "a" * 684 + ".e30." + "a" * 86,
        "e30.e30." + "a" * 129,
    ],
)
def test_what_is_no_token(token: str, validator: TokenValidator) -> None:
    with pytest.raises(Unauthenticated):
        validator.validate(token)


def test_oversized_segments_are_refused(forge: Forge, validator: TokenValidator) -> None:
    for token in (
        forge(claims={"pad": "x" * 8000}),
        forge(header="{" + " " * 600 + "}"),
        forge() + "A" * 100,
    ):
        with pytest.raises(Unauthenticated):
            validator.validate(token)


@given(position=st.integers(0, 10_000), letter=st.sampled_from("ABCabc019-_"))
def test_no_changed_letter_goes_unnoticed(
    position: int, letter: str, forge: Forge, validator: TokenValidator
) -> None:
    token = forge()
    place = position % len(token)
    changed = token[:place] + letter + token[place + 1 :]
    if changed == token:
        assert validator.validate(changed)
        return
    with pytest.raises(Unauthenticated):
        validator.validate(changed)


@pytest.mark.parametrize(("exp_offset", "accepted"), [(-4, True), (-5, False), (-6, False), (1, True)])
def test_expiry_is_exact_to_the_leeway(
    exp_offset: int, accepted: bool, settings: Settings, keys: SigningKeys, forge: Forge
) -> None:
    now = 2_000_000_000
    validator = TokenValidator(settings, keys, now=lambda: now)
    token = forge(claims={"iat": now - 100, "exp": now + exp_offset})
    if accepted:
        assert validator.validate(token).expires_at == now + exp_offset
    else:
        with pytest.raises(Unauthenticated):
            validator.validate(token)


def test_refusals_all_look_alike(forge: Forge, validator: TokenValidator) -> None:
    seen = set()
    for token in ("", forge(claims={"exp": 1}), forge({"alg": "none"}), forge(claims={"aud": "x"})):
        with pytest.raises(Unauthenticated) as caught:
            validator.validate(token)
        seen.add((str(caught.value), caught.value.code, caught.value.__cause__, str(caught.value.details)))
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert seen == {("A valid access token is required.", "UNAUTHENTICATED", None, "{}")}


def test_a_key_of_another_home_is_unknown(tmp_path: Path, validator: TokenValidator) -> None:
    with pytest.raises(Unauthenticated):
        validator.validate(issue_token(Settings(home=tmp_path), "internal", "planner"))


@pytest.mark.parametrize(
    ("audience", "role", "party", "ttl"),
    [
        ("admin", "sales", None, None),
        ("internal", "", None, None),
        ("supplier", "supplier_planner", None, None),
        ("supplier", "supplier_planner", "", None),
        ("internal", "sales", "S", 0),
        ("internal", "s" * 201, "S", 1),
    ],
)
def test_the_issuer_refuses_what_no_graph_takes(
    audience: str, role: str, party: str | None, ttl: int | None, settings: Settings
) -> None:
    with pytest.raises(InputError):
        issue_token(settings, audience, role, party, ttl)
