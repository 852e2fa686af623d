"""Validation of modules: reports the first error, or all of them."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import TypeAlias

from attrs import frozen

from zenowasm.interp.binary import Names, decode, decode_names
from zenowasm.interp.errors import DecodeError, LimitError, ValidationError
from zenowasm.interp.features import WASM_3, Feature
from zenowasm.interp.progress import Progress
from zenowasm.interp.syntax.module import Module
from zenowasm.interp.validation import errors_of, validate_module
from zenowasm.tools.features import Use, feature_name, first_uses

Error: TypeAlias = DecodeError | LimitError | ValidationError


class Kind(Enum):
    """The kind of a problem."""

    MALFORMED = "malformed"
    INVALID = "invalid"
    FEATURE = "feature"
    LIMIT = "limit"


@frozen
class Problem:
    """A problem of a module: if known, with its function, the function's name, and the byte offset.

    ``error`` is the validator's error, ``None`` for the use of a feature.
    """

    kind: Kind
    message: str
    function: int | None = None
    name: str | None = None
    offset: int | None = None
    error: ValidationError | None = None

    def __str__(self) -> str:
        place = []
        if self.function is not None:
            place.append(f"function {self.function}" + ("" if self.name is None else f" ({self.name})"))
        place += [] if self.offset is None else [f"byte 0x{self.offset:x}"]
        return self.message + (f" (at {', '.join(place)})" if place else "")


def problems(
    binary: bytes, features: Feature = WASM_3, *, every: bool = False, progress: Progress | None = None
) -> Iterator[Problem]:
    """Yield the first problem of a module, or all of them with ``every``.

    The rest of a function after its first error is not checked. Features are checked only if the module is valid.
    Raises the errors of ``progress``.
    """
    try:
        module = decode(binary, progress=progress)
    except (DecodeError, LimitError) as error:
        yield _problem(error, Names())
        return
    names = decode_names(module)
    found = list(errors_of(module, progress)) if every else _first(module, progress)
    yield from (_problem(error, names) for error in found)
    if not found and features != WASM_3:
        unwanted = [use for feature, use in first_uses(module).items() if not feature & features]
        yield from (_unwanted(use, names) for use in (unwanted if every else unwanted[:1]))


def _first(module: Module, progress: Progress | None) -> list[Error]:
    try:
        validate_module(module, progress)
    except (DecodeError, LimitError, ValidationError) as error:
        return [error]
    return []


def _problem(error: Error, names: Names) -> Problem:
    if isinstance(error, ValidationError):
        name = None if error.function is None else names.functions.get(error.function)
        return Problem(Kind.INVALID, error.message, error.function, name, error.offset, error)
    if isinstance(error, DecodeError):
        return Problem(Kind.MALFORMED, error.message, offset=error.offset)
    return Problem(Kind.LIMIT, str(error))


def _unwanted(use: Use, names: Names) -> Problem:
    name = None if use.function is None else names.functions.get(use.function)
    message = f"{use.what} needs the feature {feature_name(use.feature)}"
    return Problem(Kind.FEATURE, message, use.function, name, use.offset)
