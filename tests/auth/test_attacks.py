"""The attack list, against the local issuer and three providers that are configured as real ones are."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2 as httpx
import pytest
import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from app.auth import Principal, TokenValidator, load_signing_keys
from app.config import Settings
from app.errors import Unauthenticated
from app.main import SCHEMAS, create_app
from schema.asgi.callers import BearerCallers
from schema.asgi.routes import graphql_routes
from schema.context import Context
from tests.auth.attacks import EVERY_ISSUER, MAPPING_ATTACKS, NOW, Forge
from tests.auth.provider import NEW_KEY, running_provider
from tests.sockets import Closed, in_app

PAGE = Path(__file__).parents[2] / "docs" / "identity.md"

FILE = """
[[issuer]]
name = "corporate"
issuer = "{corporate}"
algorithms = ["RS256", "PS256"]
audience = {{ value = "internal" }}
role = {{ claim = "roles", values = {{ acme-planner = "planner", acme-viewer = "sales" }} }}
party = {{ claim = "org", optional = true }}

[[issuer]]
name = "suppliers"
issuer = "{suppliers}"
algorithms = ["ES256"]
types = ["at+jwt", "JWT"]
required = {{ token_use = ["access"] }}
audience = {{ value = "supplier" }}
role.claim = "roles"
role.values = {{ acme-planner = "supplier_planner", acme-viewer = "supplier_viewer" }}
party = {{ claim = "org" }}

[[issuer]]
name = "lax"
issuer = "{lax}"
jwks_uri = "{lax}/jwks"
algorithms = ["EdDSA"]
types = ["", "JWT"]
headers = ["x5t"]
required = {{ token_use = ["access"] }}
audience = {{ claim = "roles", values = {{ acme-planner = "customer", acme-viewer = "customer" }} }}
role.claim = "roles"
role.values = {{ acme-planner = "customer_planner", acme-viewer = "customer_viewer" }}
party = {{ claim = "org" }}
"""
PROVIDERS = {"corporate": "RS256", "suppliers": "ES256", "lax": "EdDSA"}
EXPECTED = {
    "local": ("anna", "internal", "planner", "HQ"),
    "built-in": ("anna", "internal", "planner", "HQ"),
    "corporate": ("corporate:anna", "internal", "planner", "V07"),
    "suppliers": ("suppliers:anna", "supplier", "supplier_planner", "V07"),
    "lax": ("lax:anna", "customer", "customer_planner", "V07"),
}
INAPPLICABLE = {
    "corporate": {"no party", "required claim missing"}
    | {n for n in MAPPING_ATTACKS if "required claim" in n},
}
"""What is no attack on an issuer that has no such rule; each is accepted, which a test of its own holds."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings that trust three running providers; their keys are published for as long as the tests run."""
    home = tmp_path_factory.mktemp("home")
    with ExitStack() as stack:
        providers = {name: stack.enter_context(running_provider()) for name in PROVIDERS}
        for name, provider in providers.items():
            provider.publish(KEYS[name])
        path = home / "issuers.toml"
        path.write_text(FILE.format(**{name: provider.issuer for name, provider in providers.items()}))
        ISSUERS.update({name: provider.issuer for name, provider in providers.items()})
        yield Settings(home=home, issuers_file=path)


KEYS = {name: NEW_KEY[algorithm](f"{name}-1") for name, algorithm in PROVIDERS.items()}
ISSUERS: dict[str, str] = {}


@pytest.fixture(scope="module")
def forges(settings: Settings) -> dict[str, Forge]:
    """A maker of good tokens for each issuer."""
    common = {"aud": settings.token_audience, "sub": "anna", "iat": NOW, "exp": NOW + 3600, "jti": "t1"}
    keys = load_signing_keys(settings)
    local = {"concord_audience": "internal", "concord_role": "planner", "concord_party": "HQ"}
    names = {"local": settings.token_issuer, "built-in": settings.issuer_url}
    own = {"alg": "ES256", "kid": keys.kid, "typ": "at+jwt"}
    made = {
        name: Forge("ES256", keys.private, own, {**common, "iss": issuer, **local})
        for name, issuer in names.items()
    }
    for name, algorithm in PROVIDERS.items():
        header = {"alg": algorithm, "kid": f"{name}-1", "typ": "JWT" if name == "lax" else "at+jwt"}
        foreign = {"roles": ["everybody", "acme-planner"], "org": "V07", "token_use": "access"}
        made[name] = Forge(algorithm, KEYS[name], header, {**common, "iss": ISSUERS[name], **foreign})
    return made


@pytest.fixture(scope="module")
def validator(settings: Settings) -> TokenValidator:
    return TokenValidator(settings)


@pytest.mark.parametrize("name", EXPECTED)
async def test_the_token_that_is_attacked_is_good(
    name: str, forges: dict[str, Forge], settings: Settings
) -> None:
    principal = await TokenValidator(settings).authenticate(forges[name].make())
    found = (principal.subject, principal.audience, principal.role, principal.party)
    assert found == EXPECTED[name]
    assert (principal.expires_at, principal.token_id) == (NOW + 3600, "t1")


def attacks_on(name: str) -> list[str]:
    """Return the attacks that apply to an issuer; claims are mapped for providers only."""
    mapping = [] if name not in PROVIDERS else sorted(set(MAPPING_ATTACKS) - INAPPLICABLE.get(name, set()))
    return [*EVERY_ISSUER, *mapping]


@pytest.mark.parametrize("name", EXPECTED)
async def test_every_attack_is_refused(name: str, forges: dict[str, Forge], settings: Settings) -> None:
    """Refused of how many: the figure stands in docs/identity.md, where a test below holds it."""
    validator, every = TokenValidator(settings), {**EVERY_ISSUER, **MAPPING_ATTACKS}
    refused, messages = [], set()
    await validator.authenticate(forges[name].make())
    for attack in attacks_on(name):
        try:
            await validator.authenticate(every[attack](forges[name]))
        except Unauthenticated as error:
            refused.append(attack)
            messages.add((error.message, error.code, str(error.details), error.__cause__))
    assert sorted(set(attacks_on(name)) - set(refused)) == []
    assert messages == {("A valid access token is required.", "UNAUTHENTICATED", "{}", None)}
    await validator.authenticate(forges[name].make())


@pytest.mark.parametrize("name", EXPECTED)
async def test_every_attack_is_refused_at_connection_init_too(
    name: str, forges: dict[str, Forge], settings: Settings
) -> None:
    """The same list through a WebSocket: one close code, one reason, whatever is wrong."""

    def make_context(principal: Principal, connection: HTTPConnection) -> Context:
        raise AssertionError(f"{principal} came in")

    routes = graphql_routes(settings, SCHEMAS, make_context, BearerCallers(TokenValidator(settings)))
    app, every, ends = Starlette(routes=routes), {**EVERY_ISSUER, **MAPPING_ATTACKS}, []
    tokens = [every[attack](forges[name]) for attack in attacks_on(name)]
    padded = [token for token in tokens if token.strip(" ") != token]  # spaces around a token are none of it
    assert len(padded) <= 3
    for token in tokens:
        if token in padded:
            continue
        async with in_app(app) as opened:
            payload = {"Authorization": f"Bearer {token}"}
            await opened.send({"type": "connection_init", "payload": payload})
            ends.append(await opened.receive())
    assert len(ends) == len(tokens) - len(padded)
    reason = "UNAUTHENTICATED: A valid access token is required."
    assert all(end == Closed(4403, reason) for end in ends)


def test_the_page_says_how_many_attacks_there_are() -> None:
    total = sum(len(attacks_on(name)) for name in EXPECTED)
    (stated,) = re.findall(r"all (\d+) of (\d+) are refused", PAGE.read_text(encoding="utf-8"))
    assert stated == (str(total), str(total))


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("corporate", {"token_use": "id"}),
        ("lax", {"jti": "x", "roles": "acme-viewer"}),
        ("corporate", {"aud": ["urn:concord:api", "urn:x"]}),
    ],
)
async def test_what_an_issuer_has_no_rule_against_passes(
    name: str, claims: dict[str, object], forges: dict[str, Forge], validator: TokenValidator
) -> None:
    assert (await validator.authenticate(forges[name].make(claims=claims))).subject.endswith(":anna")


async def test_a_token_without_an_id_gets_one_of_its_own(
    forges: dict[str, Forge], settings: Settings
) -> None:
    validator, forge = TokenValidator(settings), forges["corporate"]
    claims = {name: value for name, value in forge.claims.items() if name != "jti"}
    made = [Forge(forge.algorithm, forge.key, forge.header, {**claims, "n": n}).make() for n in (1, 1, 2)]
    ids = [(await validator.authenticate(token)).token_id for token in made]
    assert (ids[0] == ids[1], ids[1] == ids[2], len(ids[0])) == (True, False, 32)


async def test_a_key_of_one_issuer_is_no_key_of_another(forges: dict[str, Forge], settings: Settings) -> None:
    """Each issuer's tokens, signed by each other's key under each other's kid."""
    validator, refused = TokenValidator(settings), 0
    for forge in forges.values():
        for stranger in forges.values():
            if forge.key is not stranger.key:
                header = {**forge.header, "alg": stranger.algorithm, "kid": stranger.header["kid"]}
                token = Forge(stranger.algorithm, stranger.key, header, forge.claims).make()
                with pytest.raises(Unauthenticated):
                    await validator.authenticate(token)
                refused += 1
    assert refused == 18


def sendable(token: str) -> bool:
    """Say whether a token can travel in an HTTP header at all, unchanged and within uvicorn's limit."""
    return 0 < len(token) < 60_000 and token.isascii() and token.isprintable() and token.strip() == token


async def test_over_real_http_all_refusals_are_one_answer(
    forges: dict[str, Forge], settings: Settings, new_database: Callable[[], str]
) -> None:
    served = settings.model_copy(update={"database_url": SecretStr(new_database())})
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(served), log_level="warning", ws="websockets-sansio"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    every, forge = {**EVERY_ISSUER, **MAPPING_ATTACKS}, forges["corporate"]
    made = [every[attack](forge) for attack in attacks_on("corporate")]
    tokens = [token for token in made if sendable(token)]
    try:
        for _ in range(500):
            if server.started:
                break
            await asyncio.sleep(0.02)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
            assert len(tokens) > 140
            answers = set(await asyncio.gather(*(ask(client, token) for token in tokens)))
            assert {status for status, *_ in answers} == {401}
            assert len(answers) == 1
            planner = forges["corporate"].make(claims={"org": "HQ", "roles": "acme-planner"})
            assert (await ask(client, planner))[0] == 200
    finally:
        server.should_exit = True
        await serving
        listening.close()


async def ask(client: httpx.AsyncClient, token: str) -> tuple[int, str, bytes]:
    """Return status, challenge and body of the answer to one query with this token."""
    headers = {"Authorization": f"Bearer {token}"}
    response = await client.post("/graphql", json={"query": "{ viewer { role } }"}, headers=headers)
    return response.status_code, response.headers.get("www-authenticate", ""), response.content
