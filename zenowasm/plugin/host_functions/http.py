"""``host_http_request``: HTTP requests within a plugin's permissions (ABI document, "Imports").

The host sends a body as JSON. If the guest sets the header Content-Type, the host sends a string unchanged, because
forms and signed payloads must arrive byte for byte.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from zenowasm.host.memory import replaced_text
from zenowasm.plugin.access.permissions import NetworkGrant
from zenowasm.plugin.guest.jsonvalue import JSONError, JSONValue, encode, is_encodable, parse_whole
from zenowasm.plugin.host_functions.context import (
    DeniedError,
    HostContext,
    NotAvailableError,
    RequestFailedError,
    text_field,
)
from zenowasm.plugin.observing.audit_arguments import MOST_SQL, Shown, public_url
from zenowasm.resources.http.errors import (
    ExchangeError,
    InvalidRequestError,
    NotPermittedError,
    NotPublicError,
    RedirectNotPermittedError,
    UnreadableResponseError,
)
from zenowasm.resources.http.url import MAX_URL, without_password

_CONTENT_TYPE = "content-type"
# A parameter of a media type (RFC 9110, 5.6.6). The patterns are possessive, so a hostile header costs linear time.
# email.message takes seconds for such a header, or raises an undocumented exception.
_PARAMETER = re.compile(r';[ \t]*+([^;="\s]++)[ \t]*+=[ \t]*+(?:"((?:[^"\\]|\\.)*+)"|([^;"\s]*+))')
_CHARSET = re.compile(
    r"us-ascii|latin-?1|iso-8859-\d{1,2}|(windows-|cp)125[0-8]|koi8-[ru]|utf-16(le|be)?"
    r"|shift_jis|euc-jp|iso-2022-jp|gb2312|gbk|gb18030|big5|euc-kr"
)
"""The charsets of the web. Some of Python's other decoders take quadratic time."""


def request(context: HostContext, request: dict[str, JSONValue]) -> dict[str, object]:
    """Send ``{method, url, headers, body}`` and return ``{status, headers, body}``, whatever the status."""
    url = _in_ascii(text_field(request, "url"))
    method = text_field(request, "method") or "GET"
    headers = _headers(request.get("headers"))
    client = context.services.http()
    if client is None:
        raise NotAvailableError("HTTP access not available")
    body = _body(request.get("body"), headers)
    headers.update({name.lower(): (name, value) for name, value in context.services.instrumentation.headers().items()})

    def permit(url: str) -> NetworkGrant | None:
        grant = context.permissions.network_grant(url)
        # With permission for every URL, the client can report why a URL is malformed.
        return NetworkGrant(literal_host=False) if grant is None and context.permissions.whole_network else grant

    try:
        response = client.request(
            method,
            url,
            headers.values(),
            body,
            permit=permit,
            deadline=context.call.deadline,
            owner=context.plugin,
        )
    except NotPermittedError as error:
        shown = without_password(url[:MAX_URL]) + context.permissions.why_denied("network")
        raise DeniedError(f"plugin {context.plugin} does not have permission to access network: {shown}") from error
    except InvalidRequestError as error:
        raise RequestFailedError(f"failed to create request: {error}") from error
    except NotPublicError as error:
        raise DeniedError(f"request failed: {error}; name the host in permissions.network") from error
    except RedirectNotPermittedError as error:
        raise DeniedError(f"request failed: {error}") from error
    except ExchangeError as error:
        raise RequestFailedError(f"request failed: {error}") from error
    except UnreadableResponseError as error:
        raise RequestFailedError(f"failed to read response: {error}") from error
    answered = _answered(response.headers)
    value = _value(response.body, answered.get("Content-Type", ""))
    return {"status": response.status, "headers": answered, "body": value}


def describe(request: dict[str, JSONValue], shown: Shown) -> dict[str, Any]:
    """Return the audit log's record of a request."""
    url = request.get("url")
    if isinstance(url, str):
        # Redact the whole URL first: the redactor would not find part of a secret.
        url = public_url(shown.redactor.text(url))
    return {"method": shown(request.get("method")) or "GET", "url": shown(url, MOST_SQL)}


def _in_ascii(url: str) -> str:
    """Percent-encode the non-ASCII characters of a URL as UTF-8, as browsers do (RFC 3987, 3.1)."""
    return "".join(character if character.isascii() else quote(character, errors="replace") for character in url)


def _headers(given: JSONValue) -> dict[str, tuple[str, str]]:
    """Return names and values, by lower-case name; values that are not strings are dropped."""
    if given is not None and not isinstance(given, dict):
        raise RequestFailedError("invalid request JSON: headers is not an object")
    return {name.lower(): (name, value) for name, value in (given or {}).items() if isinstance(value, str)}


def _body(value: JSONValue, headers: dict[str, tuple[str, str]]) -> bytes:
    if value in (None, "", [], {}):
        return b""
    if isinstance(value, str) and _CONTENT_TYPE in headers:
        return value.encode()
    headers.setdefault(_CONTENT_TYPE, ("Content-Type", "application/json"))
    try:
        return encode(value)
    except JSONError as error:
        raise RequestFailedError(f"failed to create request: {error}") from error


def _answered(headers: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Return the headers of a response, with names capitalized as in ``Content-Type``.

    Several values of one name are joined with a comma (RFC 9110, 5.3), those of Set-Cookie, which contain commas, with
    a newline.
    """
    joined: dict[str, str] = {}
    for name, value in headers:
        key = "-".join(part.capitalize() for part in name.split("-"))
        text = replaced_text(value.encode("latin-1"))
        if key in joined:
            text = joined[key] + ("\n" if key == "Set-Cookie" else ", ") + text
        joined[key] = text
    return joined


def _value(body: bytes, content_type: str) -> object:
    """Parse a body that is completely JSON; decode any other with its declared charset."""
    text = _decoded(body, content_type)
    try:
        value = parse_whole(body if text is None else text.encode())
    except JSONError:
        return replaced_text(body) if text is None else text
    return value if is_encodable(value) else replaced_text(body)


def _decoded(body: bytes, content_type: str) -> str | None:
    """Decode a body in a known charset other than UTF-8; return ``None`` for UTF-8 or an unknown charset."""
    charset = _charset(content_type)
    if not _CHARSET.fullmatch(charset):
        return None
    try:
        return body.decode(charset, "replace")
    except LookupError:  # iso-8859-12, which was never published
        return None


def _charset(content_type: str) -> str:
    """Return the first ``charset`` parameter in lower case, empty if there is none."""
    found = (match for match in _PARAMETER.finditer(content_type) if match[1].lower() == "charset")
    match = next(found, None)
    return "" if match is None else (match[2] or match[3] or "").lower()
