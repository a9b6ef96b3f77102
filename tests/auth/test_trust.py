"""CONCORD_ISSUERS_FILE: what it may say, and that each mistake in it stops the start and is named."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from app.auth import TokenValidator
from app.auth.trust import load_issuers
from app.config import Settings
from app.errors import ConfigurationError

PAGE = (Path(__file__).parents[2] / "docs" / "identity.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)

GOOD = """
[[issuer]]
name = "corporate"
issuer = "https://login.example.com/tenant"
algorithms = ["RS256"]
audience = { value = "internal" }
role = { claim = "roles", values = { planners = "planner" } }
"""


def load(text: str, directory: Path) -> int:
    """Return how many issuers a file gives."""
    path = directory / "issuers.toml"
    path.write_text(text, encoding="utf-8")
    return len(load_issuers(Settings(home=directory, issuers_file=path)))


def test_without_a_file_the_local_issuer_is_alone(tmp_path: Path) -> None:
    assert load_issuers(Settings(home=tmp_path)) == ()


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_page_are_accepted(example: str, tmp_path: Path) -> None:
    assert load(example, tmp_path) == len(tomllib.loads(example)["issuer"])


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 3


LOGIN = '[issuer.login]\nclient_id = "concord-web"\n'
SECOND = GOOD.replace("corporate", "other")
MISTAKES = {
    "not TOML": ("[[issuer", "array declaration"),
    "no issuer": ("", "issuer: Field required"),
    "an empty list": ("issuer = []", "at least 1"),
    "an unknown key": (GOOD + 'secret = "x"', "secret"),
    "no algorithm": (GOOD.replace('["RS256"]', "[]"), "algorithms"),
    "a shared secret": (GOOD.replace("RS256", "HS256"), "HS256"),
    "no signature": (GOOD.replace("RS256", "none"), "algorithm none"),
    "plain http": (GOOD.replace("https://login", "http://login"), "https"),
    "keys over plain http": (GOOD + 'jwks_uri = "http://login.example.com/k"', "https"),
    "keys from a file": (GOOD + 'jwks_uri = "file:///etc/keys"', "https"),
    "a name with a space": (GOOD.replace('"corporate"', '"corpo rate"'), "name"),
    "the built-in issuer's prefix": (GOOD.replace('"corporate"', '"client"'), "built-in"),
    "the built-in issuer's name": (
        GOOD.replace("https://login.example.com/tenant", "http://127.0.0.1:8000"),
        "2 times",
    ),
    "a name with a colon": (GOOD.replace('"corporate"', '"a:b"'), "name"),
    "ID tokens pass": (GOOD + 'types = ["JWT"]', "ID tokens"),
    "tokens without a type pass": (GOOD + 'types = [""]', "ID tokens"),
    "a dangerous header": (GOOD + 'headers = ["jku"]', "jku"),
    "no role": (GOOD.replace("role =", "party ="), "role"),
    "roles as the provider likes": (GOOD.replace(', values = { planners = "planner" }', ""), "written here"),
    "an audience as the provider likes": (
        GOOD.replace('audience = { value = "internal" }', 'audience = { claim = "aud2" }'),
        "written here",
    ),
    "an audience that is none": (GOOD.replace('value = "internal"', 'value = "admin"'), "one of internal"),
    "suppliers without a party": (GOOD.replace('value = "internal"', 'value = "supplier"'), "party"),
    "value and claim": (GOOD.replace('value = "internal"', 'value = "internal", claim = "x"'), "either"),
    "neither": (GOOD.replace('value = "internal"', "optional = true"), "either"),
    "an optional role": (GOOD.replace('claim = "roles"', 'claim = "roles", optional = true'), "optional"),
    "a value with a map": (
        GOOD.replace('value = "internal"', 'value = "internal", values = { a = "b" }'),
        "stands alone",
    ),
    "one issuer twice": (GOOD + SECOND, "2 times"),
    "one name twice": (GOOD + GOOD.replace("tenant", "other"), "corporate is there 2 times"),
    "keys that are never asked for again": (GOOD + "keys_fresh_seconds = 9999999", "keys_fresh_seconds"),
    "keys asked for all the time": (GOOD + "keys_fresh_seconds = 1", "keys_fresh_seconds"),
    "the built-in issuer's own name": (GOOD.replace('"corporate"', '"concord"'), "built-in"),
    "a login without a client": (GOOD + '[issuer.login]\ntitle = "x"', "client_id"),
    "a login without an ID token": (GOOD + LOGIN + 'scopes = ["email"]', "openid"),
    "two scopes as one word": (GOOD + LOGIN + 'scopes = ["openid email"]', "openid"),
    "a login that goes elsewhere": (
        GOOD + LOGIN + 'parameters = { redirect_uri = "https://evil.example" }',
        "parameter redirect_uri",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named(name: str, tmp_path: Path) -> None:
    text, named = MISTAKES[name]
    assert load(GOOD, tmp_path) == 1
    with pytest.raises(ConfigurationError, match=re.escape(named)) as caught:
        load(text, tmp_path)
    assert "issuers.toml" in caught.value.message


def test_a_login_has_its_secret_from_a_file_of_its_own(tmp_path: Path) -> None:
    text = GOOD + LOGIN + 'secret_file = "secret"'
    with pytest.raises(ConfigurationError, match="No such file"):
        load(text, tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("kept by the provider\n")
    secret.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod go-rwx"):
        load(text, tmp_path)
    secret.chmod(0o600)
    issuer = load_issuers(Settings(home=tmp_path, issuers_file=tmp_path / "issuers.toml"))[0]
    assert issuer.login is not None
    assert (issuer.login.title, issuer.login.secret) == ("corporate", "kept by the provider")
    assert "kept by" not in repr(issuer)
    secret.write_text("\n")
    with pytest.raises(ConfigurationError, match="no secret"):
        load(text, tmp_path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        TokenValidator(Settings(home=tmp_path, issuers_file=tmp_path / "none.toml"))


@pytest.mark.parametrize("address", ["http://concord.example.com", "concord.example.com", "ftp://127.0.0.1"])
def test_the_built_in_issuer_is_reached_over_https(address: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, public_url=address)
    with pytest.raises(ConfigurationError, match="CONCORD_PUBLIC_URL"):
        TokenValidator(settings)
    TokenValidator(settings.model_copy(update={"builtin_issuer": False}))
    TokenValidator(settings.model_copy(update={"public_url": "https://concord.example.com/"}))


def test_a_provider_cannot_take_the_local_issuers_name(tmp_path: Path) -> None:
    path = tmp_path / "issuers.toml"
    path.write_text(GOOD, encoding="utf-8")
    settings = Settings(home=tmp_path, issuers_file=path, token_issuer="https://login.example.com/tenant")
    with pytest.raises(ConfigurationError, match="2 times"):
        TokenValidator(settings)
