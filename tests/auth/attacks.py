"""The list of attacks on access tokens: each is one good token with one thing wrong, and none may pass.

An attack is applied to the tokens of every issuer that a test names; what it changes is all that differs from
a token that the same test sees accepted.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from tests.auth.provider import NEW_KEY, Key

DROP = object()
"""As a value: leave the header parameter or claim out."""
NOW = int(time.time())


def encode(value: object) -> str:
    """Return a base64url segment of JSON, or of a text or bytes as they are."""
    text = value if isinstance(value, str | bytes) else json.dumps(value)
    raw = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True)
class Forge:
    """Signs any header and payload, with the issuer's own key unless an attack brings another."""

    algorithm: str
    key: Key
    header: Mapping[str, object]
    claims: Mapping[str, object]

    def make(
        self,
        header: Mapping[str, object] | str | None = None,
        claims: Mapping[str, object] | str | bytes | None = None,
        key: Any = None,
        algorithm: str | None = None,
    ) -> str:
        """Return a token: changes to header and claims, or a text in place of either."""
        signed = f"{encode(_changed(self.header, header))}.{encode(_changed(self.claims, claims))}"
        model = JWSRegistry.algorithms[algorithm or self.algorithm]
        return f"{signed}.{encode(model.sign(signed.encode(), key or self.key))}"

    def claims_text(self, name: str, value: str) -> str:
        """Return the payload with one claim written as this text, which need not be JSON."""
        return json.dumps({**self.claims, name: "@"}).replace('"@"', value)


def _changed(base: Mapping[str, object], changes: Mapping[str, object] | str | bytes | None) -> object:
    if isinstance(changes, str | bytes):
        return changes
    return {name: value for name, value in {**base, **(changes or {})}.items() if value is not DROP}


Attack = Callable[[Forge], str]


def header(**changes: object) -> Attack:
    return lambda forge: forge.make(changes)


def claim(**changes: object) -> Attack:
    return lambda forge: forge.make(claims=changes)


def number(name: str, text: str) -> Attack:
    return lambda forge: forge.make(claims=forge.claims_text(name, text))


def shared_secret(of: Callable[[Key], bytes], algorithm: str = "HS256") -> Attack:
    """A signature whose secret is the issuer's public key; by hand, since joserfc will not make one."""

    def make(forge: Forge) -> str:
        signed = forge.make({"alg": algorithm}).rpartition(".")[0]
        digest = hmac.new(of(forge.key), signed.encode(), f"sha{algorithm[2:]}").digest()
        return f"{signed}.{encode(digest)}"

    return make


def unsigned(alg: str, signature: str = "") -> Attack:
    return lambda forge: f"{forge.make({'alg': alg}).rpartition('.')[0]}.{signature}"


def own_key(**changes: object) -> Attack:
    """A signature with the attacker's key of the right type, which the header may bring along."""

    def make(forge: Forge) -> str:
        key = NEW_KEY[forge.algorithm](str(forge.header["kid"]))
        extra = {
            name: key.as_dict(private=False) if value == "own" else value for name, value in changes.items()
        }
        return forge.make(extra, key=key)

    return make


def swapped(part: int) -> Attack:
    """One segment of another token that is good as well."""

    def make(forge: Forge) -> str:
        parts, other = forge.make().split("."), forge.make(claims={"sub": "eve"}, header={}).split(".")
        parts[part] = other[part]
        return ".".join(parts)

    return make


EVIL = "https://evil.example/keys"
HEADER_ATTACKS: dict[str, Attack] = {
    "alg none, empty signature": unsigned("none"),
    "alg none, some signature": unsigned("none", "AAAA"),
    "alg None": unsigned("None", "AAAA"),
    "alg nOnE": unsigned("nOnE", "AAAA"),
    "alg empty": header(alg=""),
    "alg missing": header(alg=DROP),
    "alg null": header(alg=None),
    "alg a list": lambda forge: forge.make({"alg": [forge.algorithm]}),
    "alg of another case": lambda forge: forge.make({"alg": forge.algorithm.swapcase()}),
    "alg not on the list": header(alg="RS512"),
    "HS256 with the public key as PEM": shared_secret(lambda key: key.as_pem(private=False)),
    "HS256 with the public key as DER": shared_secret(lambda key: key.as_der(private=False)),
    "HS256 with the public key as JWK": shared_secret(
        lambda key: json.dumps(key.as_dict(private=False)).encode()
    ),
    "HS512 with the public key as PEM": shared_secret(lambda key: key.as_pem(private=False), "HS512"),
    "HS256 with an empty secret": shared_secret(lambda _: b"\x00"),
    "another key under the known kid": own_key(),
    "embedded jwk": own_key(jwk="own"),
    "jwk beside a good signature": header(jwk={"kty": "EC"}),
    "jku": own_key(jku=EVIL),
    "jku beside a good signature": header(jku=EVIL),
    "x5u": own_key(x5u=EVIL),
    "x5u beside a good signature": header(x5u=EVIL),
    "x5c": own_key(x5c=["MIIB"]),
    "x5c beside a good signature": header(x5c=["MIIB"]),
    "crit": header(crit=["exp"], exp=NOW),
    "crit empty": header(crit=[]),
    "crit unknown": header(crit=["bork"], bork=1),
    "b64 false": header(b64=False, crit=["b64"]),
    "zip": header(zip="DEF"),
    "cty": header(cty="JWT"),
    "unknown parameter": header(x=1),
    "kid missing": header(kid=DROP),
    "kid null": header(kid=None),
    "kid empty": header(kid=""),
    "kid a number": header(kid=1),
    "kid a list": lambda forge: forge.make({"kid": [forge.header["kid"]]}),
    "kid unknown": header(kid="nobody's"),
    "kid as a path": header(kid="../../../../dev/null"),
    "kid as an address": header(kid=EVIL),
    "kid with an injected statement": header(kid="x' UNION SELECT 'secret"),
    "kid of 400 characters": header(kid="k" * 400),
    "typ of a logout token": header(typ="logout+jwt"),
    "typ of a client assertion": header(typ="client-authentication+jwt"),
    "typ of a DPoP proof": header(typ="dpop+jwt"),
    "typ of a security event": header(typ="secevent+jwt"),
    "typ empty": header(typ=""),
    "typ a number": header(typ=1),
    "typ null": header(typ=None),
    "typ a list": lambda forge: forge.make({"typ": [forge.header["typ"]]}),
    "header twice alg": lambda forge: forge.make(json.dumps(forge.header)[:-1] + ', "alg": "none"}'),
    "header a list": lambda forge: forge.make("[]"),
    "header text": lambda forge: forge.make('"x"'),
    "header not JSON": lambda forge: forge.make("{"),
    "header deep": lambda forge: forge.make("[" * 480),
    "header of 600 bytes": lambda forge: forge.make("{" + " " * 600 + "}"),
    "header with a lone surrogate": lambda forge: forge.make('{"alg": "\\ud800"}'),
}
CLAIM_ATTACKS: dict[str, Attack] = {
    "iss missing": claim(iss=DROP),
    "iss unknown": claim(iss="https://evil.example"),
    "iss a list": lambda forge: forge.make(claims={"iss": [forge.claims["iss"]]}),
    "iss an object": lambda forge: forge.make(claims={"iss": {str(forge.claims["iss"]): 1}}),
    "iss with a slash": lambda forge: forge.make(claims={"iss": f"{forge.claims['iss']}/"}),
    "iss in capitals": lambda forge: forge.make(claims={"iss": str(forge.claims["iss"]).upper()}),
    "iss null": claim(iss=None),
    "aud missing": claim(aud=DROP),
    "aud another": claim(aud="urn:other"),
    "aud an empty list": claim(aud=[]),
    "aud a list of others": claim(aud=["urn:a", "urn:b"]),
    "aud a list with a number": claim(aud=["urn:concord:api", 1]),
    "aud an object": claim(aud={"urn:concord:api": 1}),
    "aud that begins like ours": claim(aud="urn:concord:api:x"),
    "aud null": claim(aud=None),
    "sub missing": claim(sub=DROP),
    "sub empty": claim(sub=""),
    "sub a number": claim(sub=1),
    "sub a list": claim(sub=["anna"]),
    "sub with a line feed": claim(sub="anna\nadmin"),
    "sub with a null character": claim(sub="anna\x00"),
    "sub of 300 characters": claim(sub="a" * 300),
    "exp missing": claim(exp=DROP),
    "exp in the past": claim(iat=NOW - 7200, exp=NOW - 3600),
    "exp just over the leeway": claim(iat=NOW - 7200, exp=NOW - 6),
    "exp as text": claim(exp=str(NOW + 60)),
    "exp true": claim(exp=True),
    "exp null": claim(exp=None),
    "exp a list": claim(exp=[NOW + 60]),
    "exp negative": claim(exp=-1),
    "exp 10^30": claim(exp=10**30),
    "exp 1e400": number("exp", "1e400"),
    "exp -1e400": number("exp", "-1e400"),
    "exp NaN": number("exp", "NaN"),
    "exp Infinity": number("exp", "Infinity"),
    "exp of 5,000 digits": number("exp", "9" * 5000),
    "exp before iat": claim(iat=NOW + 3, exp=NOW + 2),
    "iat missing": claim(iat=DROP),
    "iat in the future": claim(iat=NOW + 3000, exp=NOW + 6000),
    "iat as text": claim(iat="yesterday"),
    "iat 1e400": number("iat", "1e400"),
    "nbf in the future": claim(nbf=NOW + 3000, exp=NOW + 6000),
    "nbf as text": claim(nbf="now"),
    "nbf null": claim(nbf=None),
    "nbf 1e400": number("nbf", "1e400"),
    "a claim twice": lambda forge: forge.make(claims=json.dumps(forge.claims)[:-1] + ', "sub": "eve"}'),
    "iss twice": lambda forge: forge.make(claims=f'{{"iss": "x", {json.dumps(forge.claims)[1:]}'),
    "payload a list": lambda forge: forge.make(claims="[]"),
    "payload text": lambda forge: forge.make(claims='"x"'),
    "payload null": lambda forge: forge.make(claims="null"),
    "payload not JSON": lambda forge: forge.make(claims="{"),
    "payload deep": lambda forge: forge.make(claims="[" * 5000),
    "payload not UTF-8": lambda forge: forge.make(claims=b'{"iss": "\xff"}'),
    "payload of 8,000 bytes": claim(pad="x" * 8000),
}
FORM_ATTACKS: dict[str, Attack] = {
    "signature cut": lambda forge: forge.make()[:-4],
    "signature lengthened": lambda forge: forge.make() + "AAAA",
    "signature empty": lambda forge: forge.make().rpartition(".")[0] + ".",
    "signature missing": lambda forge: forge.make().rpartition(".")[0],
    "signature zero": lambda forge: forge.make().rpartition(".")[0] + "." + "A" * 86,
    "signature of 2,000 characters": lambda forge: forge.make().rpartition(".")[0] + "." + "A" * 2000,
    "signature of another token": swapped(2),
    "payload of another token": swapped(1),
    "four segments": lambda forge: forge.make() + ".AAAA",
    "five segments": lambda forge: forge.make() + ".AAAA.AAAA",
    "padding": lambda forge: forge.make() + "==",
    "a space in front": lambda forge: " " + forge.make(),
    "a line feed behind": lambda forge: forge.make() + "\n",
    "JSON serialization": lambda forge: json.dumps(
        dict(zip(("protected", "payload", "signature"), forge.make().split("."), strict=True))
    ),
    "nested in another": lambda forge: forge.make(claims=forge.make()),
    "empty": lambda _: "",
    "dots": lambda _: "..",
    "not ASCII": lambda _: "é.é.é",
    "100,000 characters": lambda _: "a" * 100_000,
}
KIND_ATTACKS: dict[str, Attack] = {
    "ID token": claim(nonce="n", at_hash="h"),
    "ID token of the token endpoint": claim(at_hash="h"),
    "ID token of the code flow": claim(c_hash="h"),
    "logout token": claim(events={"http://schemas.openid.net/event/backchannel-logout": {}}),
    "client assertion": lambda forge: forge.make(claims={"sub": forge.claims["iss"]}),
    "ES256 over P-521": lambda forge: forge.make(key=ECKey.generate_key("P-521"), algorithm="ES512"),
}
MAPPING_ATTACKS: dict[str, Attack] = {
    "no role": claim(roles=DROP),
    "an empty list of roles": claim(roles=[]),
    "a role without a line": claim(roles=["owner"]),
    "a role named as Concord names it": claim(roles=["executive"]),
    "two roles": claim(roles=["acme-planner", "acme-viewer"]),
    "roles an object": claim(roles={"acme-planner": True}),
    "role a number": claim(roles=7),
    "role null": claim(roles=None),
    "roles without end": claim(roles=["x"] * 700 + ["acme-planner"]),
    "no party": claim(org=DROP),
    "party null": claim(org=None),
    "party a list": claim(org=["V07", "V08"]),
    "party a number": claim(org=7),
    "party empty": claim(org=""),
    "party with a null character": claim(org="V07\x00"),
    "party of 300 characters": claim(org="V" * 300),
    "the local claims instead": claim(roles=DROP, concord_role="planner", concord_audience="internal"),
    "required claim missing": claim(token_use=DROP),
    "required claim of an ID token": claim(token_use="id"),
    "required claim a list": claim(token_use=["access"]),
    "required claim an object": claim(token_use={"access": 1}),
}
EVERY_ISSUER = {**HEADER_ATTACKS, **CLAIM_ATTACKS, **FORM_ATTACKS, **KIND_ATTACKS}
