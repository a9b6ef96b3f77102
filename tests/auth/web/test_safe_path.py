"""Where people are led after a login: a path of this server, whatever the address asked for."""

from __future__ import annotations

import pytest

from app.auth.web.routes import safe_path


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [
        ("/graphql?x=1", "/graphql?x=1"),
        (None, "/graphql"),
        ("", "/graphql"),
        ("graphql", "/graphql"),
        ("//evil.example", "/graphql"),
        ("/\\evil.example", "/graphql"),
        ("\\/evil.example", "/graphql"),
        ("/\t/evil.example", "/graphql"),
        ("/\n/evil.example", "/graphql"),
        ("/ /evil.example", "/graphql"),
        ("https://evil.example", "/graphql"),
        ("javascript:alert(1)", "/graphql"),
        ("/" + "a" * 600, "/graphql"),
        ("/ä", "/graphql"),
    ],
)
def test_after_the_login_nobody_is_led_elsewhere(wanted: str | None, led_to: str) -> None:
    assert safe_path(wanted) == led_to
