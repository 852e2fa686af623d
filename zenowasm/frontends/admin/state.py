"""The file by which other commands of the same user find a running host."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from attrs import asdict, field, frozen

from zenowasm.frontends.admin.errors import AdminError
from zenowasm.plugin.configuration.files import read_bounded
from zenowasm.plugin.guest.jsonvalue import JSONError, encode, parse_whole

STATE: Final = "ZENO_ADMIN_STATE"
"""The environment variable that names another state file."""
_MAX_BYTES: Final = 1 << 16


@frozen
class AdminState:
    """A host's address, its process, and the token that it generated (empty for a token that the user chose)."""

    url: str
    token: str = field(repr=False)
    process: int


def default_state_file(variables: Mapping[str, str]) -> Path:
    """Return ``ZENO_ADMIN_STATE``, else a file in the platform's directory for program state."""
    if given := variables.get(STATE):
        return Path(given)
    from platformdirs import user_state_path

    return user_state_path("zenowasm", appauthor=False) / "admin.json"


def write_state(file: Path, state: AdminState) -> None:
    """Write the file atomically, readable by its owner only; raises ``AdminError``."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent)  # with the mode 0600
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(encode(asdict(state)))
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise AdminError(f"cannot write {file}: {error.strerror}") from error


def read_state(file: Path) -> AdminState:
    """Read the file; raises ``AdminError``, also if another user could read it or has written it."""
    try:
        found = file.stat()
        if hasattr(os, "getuid") and (found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077):
            raise AdminError(
                f"{file} belongs to another user or is readable by others: it must be yours, with the mode 0600"
            )
        value = parse_whole(read_bounded(file, _MAX_BYTES))
    except OSError as error:
        raise AdminError(f"no running host found: cannot read {file}: {error.strerror}") from error
    except JSONError as error:
        raise AdminError(f"{file} is not a state file of `zenowasm serve`: {error}") from error
    match value:
        case {"url": str(url), "token": str(token), "process": int(process)} if _is_url(url):
            return AdminState(url, token, process)
    raise AdminError(f"{file} is not a state file of `zenowasm serve`")


def removed_state(file: Path, state: AdminState) -> None:
    """Remove the file unless another host has rewritten it."""
    with contextlib.suppress(AdminError, OSError):
        if read_state(file) == state:
            file.unlink()


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme == "http" and parts.hostname is not None and parts.port is not None
    except ValueError:
        return False
