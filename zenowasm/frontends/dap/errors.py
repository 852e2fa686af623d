"""Errors of the adapter."""

from __future__ import annotations


class RequestError(Exception):
    """Raised when a request cannot be met; the message is the response's."""


class MessageError(Exception):
    """Raised for bytes that are no message; the next message can still be read."""


class ForeignProtocolError(Exception):
    """Raised when the client speaks another protocol, such as HTTP."""
