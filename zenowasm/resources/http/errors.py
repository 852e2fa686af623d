"""The errors of HTTP requests, with the same messages on every machine."""

from __future__ import annotations


class HttpError(Exception):
    """A request has no response. The message is short and contains no secrets of the guest."""


class InvalidRequestError(HttpError):
    """The request cannot be sent because of its method, a header, its URL or its size."""


class NotPermittedError(HttpError):
    """The permission check refused the URL of the request."""


class ExchangeError(HttpError):
    """The request failed: no connection, a timeout, an invalid response, or a redirect that is not permitted."""


class RedirectNotPermittedError(ExchangeError):
    """The server redirected to a URL that is not permitted."""


class NotPublicError(ExchangeError):
    """The host has an address outside the public internet, and the permission does not name that host."""

    def __init__(self, address: str) -> None:
        super().__init__(f"address {address} is not public")
        self.address = address


class UnreadableResponseError(HttpError):
    """The body of the response is incomplete, or larger than the limit."""


class HttpSettingsError(ValueError):
    """One of the operator's settings cannot be used; the message names it and the reason."""


def words(error: OSError) -> str:
    """Return a short message for a system error; the system's own messages differ between systems and versions."""
    import socket
    import ssl

    match error:
        case TimeoutError():
            return "timed out"
        case ConnectionRefusedError():
            return "connection refused"
        case ConnectionError():
            return "connection closed by the server"
        case ssl.SSLCertVerificationError():
            return "certificate verify failed"
        case ssl.SSLError():
            return "TLS failed"
        case socket.gaierror():
            return "host not found"
    return "network error"
