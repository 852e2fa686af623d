"""Errors of the server."""

from __future__ import annotations


class PacketError(Exception):
    """Raised when a packet cannot be answered; the message is for the client."""


class ForeignProtocolError(Exception):
    """Raised when the client speaks another protocol, such as HTTP."""
