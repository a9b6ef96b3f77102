"""Secrets from a person at the keyboard, or from standard input; never from the command itself."""

from __future__ import annotations

import getpass
import sys

from app.errors import InputError


def ask_secret(what: str, *, twice: bool) -> str:
    """Return a secret: typed without an echo, twice where it is a new one, or a line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    secret = getpass.getpass(f"{what}: ")
    if twice and getpass.getpass("Once more: ") != secret:
        raise InputError(reason=f"the two differ: {what}")
    return secret
