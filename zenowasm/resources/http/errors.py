"""Errors between a request and its response, in words that are the same on every machine."""

from __future__ import annotations


class HttpError(Exception):
    """No response came of a request; the message is a few words, without addresses of the guest's own secrets."""


class InvalidRequestError(HttpError):
    """The request itself cannot be sent: its method, a header, its URL or its size."""


class NotPermittedError(HttpError):
    """The permission check refused the URL of the request."""


class ExchangeError(HttpError):
    """The request was not answered: no connection, no time, no valid answer, a redirect that is not permitted."""


class RedirectNotPermittedError(ExchangeError):
    """The server redirects to a URL that is not permitted."""


class NotPublicError(ExchangeError):
    """The host has an address outside the public internet, and the permission does not name that host."""

    def __init__(self, address: str) -> None:
        super().__init__(f"address {address} is not public")
        self.address = address


class UnreadableResponseError(HttpError):
    """The body of the response did not arrive whole, or is larger than it may be."""


class HttpSettingsError(ValueError):
    """The operator's settings cannot be used; the message says which one and why."""


def words(error: OSError) -> str:
    """Return short words for what the system reports; its own differ between systems and versions."""
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
