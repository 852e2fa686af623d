"""Errors of creating and building plugins, one type per cause."""

from __future__ import annotations


class ToolchainError(Exception):
    """The base of every error of this package; the message is for the user."""


class MissingToolchainError(ToolchainError):
    """No toolchain for a language is installed: the message says what to install."""


class CompileError(ToolchainError):
    """A compiler refused the source: ``output`` is what it said."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class SourceError(ToolchainError):
    """A folder holds no source that can be built, or several where one is needed."""


class TemplateError(ToolchainError):
    """A new plugin cannot be written: its name is no name, or its folder is there already."""
