"""``host_file_read`` and ``host_file_write`` (ABI document, section "Imports"): files below the host's folder.

Permissions are matched twice: against the path that the plugin passes, and against the path that results from
following all links. The host opens the second one by descriptors, so no link and no race can bypass the check.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from zenowasm.host.memory import replaced_text
from zenowasm.plugin.access.path_rules import clean_path
from zenowasm.plugin.guest.jsonvalue import JSONValue
from zenowasm.plugin.host_functions.context import (
    DeniedError,
    HostContext,
    NotAvailableError,
    RequestFailedError,
    text_field,
)
from zenowasm.plugin.observing.audit_arguments import MOST_SQL, Shown

if TYPE_CHECKING:
    from zenowasm.resources.files.place import Place

_OUTSIDE = "absolute paths and parent directory access not allowed"


def read(context: HostContext, path: str) -> dict[str, object]:
    """Return the ``content`` of a regular file as text, with U+FFFD for each byte that is not UTF-8.

    Raises ``RequestFailedError``, for example if the file exceeds the size limit of a reply.
    """
    with _place(context, path, write=False) as place:
        return {"content": replaced_text(place.read(context.limits.request_bytes))}


def write(context: HostContext, request: dict[str, JSONValue]) -> None:
    """Atomically replace or create a regular file with ``{path, content}``.

    Raises ``RequestFailedError``.
    """
    path, content = (text_field(request, key) for key in ("path", "content"))
    with _place(context, path, write=True) as place:
        place.write(content.encode("utf-8", "replace"))


def describe_write(request: dict[str, JSONValue], shown: Shown) -> dict[str, Any]:
    """Return the audit log's record of a write request."""
    content = request.get("content")
    size = len(content.encode("utf-8", "replace")) if isinstance(content, str) else 0
    return {"path": shown(request.get("path"), MOST_SQL), "size": size}


@contextmanager
def _place(context: HostContext, path: str, *, write: bool) -> Iterator[Place]:
    """Yield the place that a permitted path leads to; raise errors with the ABI's messages."""
    folder = context.services.files()
    if folder is None:
        raise NotAvailableError("file access not available")
    verb = "write" if write else "read"
    why = context.permissions.why_denied("filesystem")
    denied = DeniedError(f"plugin {context.plugin} does not have permission to {verb} file: {path}{why}")
    segments = clean_path(path)
    if segments is None:
        raise DeniedError(_OUTSIDE) if _may_access_all(context, write=write) else denied
    if not context.permissions.may_access_file(path, write=write):
        raise denied
    from zenowasm.resources.files.folder import EscapeError

    try:
        with folder.locate("/".join(segments).encode("utf-8", "replace"), follow=True) as place:
            resolved = b"/".join(place.segments).decode("utf-8", "surrogateescape")
            if not context.permissions.may_access_file(resolved, write=write):
                raise denied
            yield place
    except EscapeError as error:
        raise DeniedError(_OUTSIDE) from error
    except OSError as error:
        raise RequestFailedError(f"failed to {verb} file: {error.strerror}") from error


def _may_access_all(context: HostContext, *, write: bool) -> bool:
    """Return whether all files are permitted, so that a denial can only be due to the form of the path."""
    return any(not rule.segments and (rule.writable or not write) for rule in context.permissions.filesystem)
