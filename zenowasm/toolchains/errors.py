"""Errors in creating and building plugins, one type per cause."""

from __future__ import annotations


class ToolchainError(Exception):
    """The base of all errors of this package; the message is for the user."""


class MissingToolchainError(ToolchainError):
    """Raised when no toolchain for a language is installed; the message says what to install."""


class CompileError(ToolchainError):
    """Raised when a compiler rejects the source; ``output`` is the compiler's output."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class SourceError(ToolchainError):
    """Raised when a folder has no source that can be built, or several where one is needed."""


class TemplateError(ToolchainError):
    """Raised when a new plugin cannot be written: its name is invalid, or its folder already exists."""
