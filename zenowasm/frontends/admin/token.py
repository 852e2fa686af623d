"""The token that every request must carry: set in the environment, or generated for each run."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from zenowasm.frontends.admin.errors import AdminError

TOKEN: Final = "ZENO_ADMIN_TOKEN"
"""The environment variable with the token."""
_LEAST: Final = 16


def admin_token(variables: Mapping[str, str]) -> tuple[str, bool]:
    """Return the token and whether it was generated; raises ``AdminError`` for a token that could be guessed."""
    token = variables.get(TOKEN, "")
    if not token:
        return secrets.token_urlsafe(32), True
    if len(token) < _LEAST or not (token.isascii() and token.isprintable()) or " " in token:
        raise AdminError(f"{TOKEN}: expected at least {_LEAST} printable ASCII characters without spaces")
    return token, False
