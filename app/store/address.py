"""How to reach the database: one address, and a connection string per login role."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from psycopg.conninfo import conninfo_to_dict, make_conninfo

LOGINS = ("concord_internal", "concord_supplier", "concord_customer", "concord_service", "concord_owner")
"""Login roles, one pool each. None of them owns a right but to become its own business roles."""

DATABASE = "concord"


def cause(error: BaseException) -> str:
    """Return why the driver could not reach the server: its last line that is no indented hint."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return next((line for line in reversed(lines) if line and not line[0].isspace()), type(error).__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the database is. `secret` is empty where the server knows its callers otherwise (peer)."""

    parameters: Mapping[str, str] = field(repr=False)
    admin: str
    secret: bytes = field(default=b"", repr=False)

    @classmethod
    def from_url(cls, url: str, secret: bytes) -> Address:
        """Take an administrator's connection URL apart; its password never leaves the admin connection."""
        parameters = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
        return cls(parameters, parameters.get("user", ""), secret)

    def of_database(self, name: str) -> Address:
        """Return the same server's address for another database."""
        return replace(self, parameters={**self.parameters, "dbname": name})

    def admin_conninfo(self) -> str:
        """Return the connection string of the administrator, for roles and migrations only."""
        return make_conninfo("", **self.parameters)

    def login_parameters(self, login: str) -> dict[str, str]:
        """Return the connection parameters of one login role."""
        if login not in LOGINS:
            raise ValueError(f"{login} is not a login role")
        parameters = {key: value for key, value in self.parameters.items() if key not in ("user", "password")}
        parameters["user"] = login
        if self.secret:
            parameters["password"] = self.password(login)
        return parameters

    def login_conninfo(self, login: str) -> str:
        """Return the connection string of one login role."""
        return make_conninfo("", **self.login_parameters(login))

    def password(self, login: str) -> str:
        """Return the role's password: an HMAC of its name under the secret kept in CONCORD_HOME."""
        return hmac.new(self.secret, f"concord login {login}".encode(), hashlib.sha256).hexdigest()
