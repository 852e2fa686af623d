"""The arguments of requests, named as in the protocol but in Python's style; what the adapter ignores is left out."""

from __future__ import annotations

from collections import abc
from collections.abc import Mapping, Sequence
from types import GenericAlias
from typing import Any, Final, TypeVar, get_args, get_origin

import cattrs
from attrs import Factory, fields, frozen, has
from cattrs.gen import make_dict_structure_fn, override

from zenowasm.frontends.dap.errors import RequestError

_LARGEST: Final = 1 << 53
"""The largest number that every client can write."""
_MOST_ITEMS: Final = 10_000
_T = TypeVar("_T")


@frozen
class Nothing:
    """No arguments."""


@frozen
class Initialize:
    """The client's abilities and conventions."""

    lines_start_at1: bool = True
    columns_start_at1: bool = True
    supports_invalidated_event: bool = False
    supports_memory_event: bool = False


@frozen
class Launch:
    """A script or module to run, as for ``zenowasm debug``, or a recording to replay.

    With ``replay``, ``program`` is the module to use instead of the recorded one, if any.
    ``args`` are the arguments of the function ``export``, or of the program without one. ``env`` and ``source_map`` are
    variables, and source folders from compile time with their present paths.
    """

    program: str | None = None
    replay: str | None = None
    plugin_dir: str | None = None
    config: str | None = None
    export: str | None = None
    args: Sequence[str] = ()
    dirs: Sequence[str] = ()
    env: Mapping[str, str] = Factory(dict)
    source_map: Mapping[str, str] = Factory(dict)
    stop_on_entry: bool = False
    no_debug: bool = False


@frozen
class Restart:
    """The new arguments of ``launch``, if the client changed them."""

    arguments: Launch | None = None


@frozen
class Source:
    """A file, or a disassembly by its reference."""

    path: str | None = None
    source_reference: int = 0


@frozen
class SourceBreakpoint:
    """A breakpoint at a line."""

    line: int
    condition: str | None = None
    hit_condition: str | None = None
    log_message: str | None = None


@frozen
class SetBreakpoints:
    """All breakpoints of a source."""

    source: Source
    breakpoints: Sequence[SourceBreakpoint] = ()


@frozen
class FunctionBreakpoint:
    """A breakpoint at a function."""

    name: str
    condition: str | None = None
    hit_condition: str | None = None


@frozen
class SetFunctionBreakpoints:
    """All breakpoints at functions."""

    breakpoints: Sequence[FunctionBreakpoint]


@frozen
class InstructionBreakpoint:
    """A breakpoint at an instruction, ``offset`` bytes after a reference."""

    instruction_reference: str
    offset: int = 0
    condition: str | None = None
    hit_condition: str | None = None


@frozen
class SetInstructionBreakpoints:
    """All breakpoints at instructions."""

    breakpoints: Sequence[InstructionBreakpoint]


@frozen
class SetExceptionBreakpoints:
    """The enabled filters."""

    filters: Sequence[str]


@frozen
class DataBreakpointInfo:
    """A variable or an expression to watch, or ``bytes`` bytes at an address."""

    name: str
    variables_reference: int = 0
    frame_id: int | None = None
    bytes: int | None = None
    as_address: bool = False


@frozen
class DataBreakpoint:
    """A breakpoint at the accesses to the data that ``data_id`` names."""

    data_id: str
    access_type: str = "write"
    condition: str | None = None
    hit_condition: str | None = None


@frozen
class SetDataBreakpoints:
    """All breakpoints at data."""

    breakpoints: Sequence[DataBreakpoint]


@frozen
class ThreadArguments:
    """A thread; all requests mean the only one."""

    thread_id: int


@frozen
class Step:
    """A step and its granularity: a statement, a line or an instruction."""

    thread_id: int
    granularity: str = "statement"


@frozen
class StackTrace:
    """The frames from ``start_frame`` on; all of them if ``levels`` is 0."""

    thread_id: int
    start_frame: int = 0
    levels: int = 0


@frozen
class Scopes:
    """A frame."""

    frame_id: int


@frozen
class Variables:
    """The parts of a scope or variable from ``start`` on; all of them if ``count`` is 0."""

    variables_reference: int
    filter: str | None = None
    start: int = 0
    count: int = 0


@frozen
class SetVariable:
    """A new value for a variable of a scope or structure."""

    variables_reference: int
    name: str
    value: str


@frozen
class Evaluate:
    """An expression in a frame, or a command in the debug console."""

    expression: str
    frame_id: int | None = None
    context: str | None = None


@frozen
class SetExpression:
    """A new value for what an expression refers to."""

    expression: str
    value: str
    frame_id: int | None = None


@frozen
class Disassemble:
    """``instruction_count`` instructions, ``instruction_offset`` after the one at a reference and its byte offset."""

    memory_reference: str
    instruction_count: int
    offset: int = 0
    instruction_offset: int = 0


@frozen
class ReadMemory:
    """``count`` bytes, ``offset`` after a reference."""

    memory_reference: str
    count: int
    offset: int = 0


@frozen
class WriteMemory:
    """Bytes in base64 for ``offset`` after a reference; they may be cut only with ``allow_partial``."""

    memory_reference: str
    data: str
    offset: int = 0
    allow_partial: bool = False


@frozen
class Completions:
    """The console's text up to ``column``, which counts from 1."""

    text: str
    column: int
    frame_id: int | None = None


@frozen
class SourceText:
    """The reference of a disassembly, directly or in ``source``."""

    source_reference: int = 0
    source: Source | None = None


# -- reading --

_CONVERTER: Final = cattrs.Converter()


def structured(cls: type[_T], arguments: Any) -> _T:
    """Return a request's arguments; raises ``RequestError`` if they are missing or of another type."""
    try:
        return _CONVERTER.structure({} if arguments is None else arguments, cls)
    except cattrs.BaseValidationError as error:
        raise RequestError("; ".join(cattrs.transform_error(error, format_exception=_problem)[:3])) from None
    except ValueError as error:
        raise RequestError(f"the arguments are malformed: {error}") from None


def _problem(error: BaseException, _: type | None) -> str:
    return "the argument is required" if isinstance(error, KeyError) else str(error)


def protocol_name(name: str) -> str:
    """Return an attribute's name in the protocol."""
    first, *rest = name.split("_")
    return first + "".join(it.capitalize() for it in rest)


@_CONVERTER.register_structure_hook_factory(has)
def _class_hook(cls: type[Any]) -> Any:
    names = {it.name: override(rename=protocol_name(it.name)) for it in fields(cls)}
    structure = make_dict_structure_fn(cls, _CONVERTER, **names)  # type: ignore[arg-type]

    def checked(value: Any, _: type[Any]) -> Any:
        if not isinstance(value, dict):
            raise ValueError(f"expected an object, found {value!r:.40}")
        return structure({key: it for key, it in value.items() if it is not None}, cls)

    return checked


def _is_list(cls: Any) -> bool:
    return get_origin(cls) is abc.Sequence


def _is_mapping(cls: Any) -> bool:
    return get_origin(cls) is abc.Mapping


@_CONVERTER.register_structure_hook_factory(_is_list)
def _list_hook(cls: Any) -> Any:
    tuples: Any = GenericAlias(tuple, (*get_args(cls), ...))

    def checked(value: Any, _: type[Any]) -> Any:
        if not isinstance(value, list) or len(value) > _MOST_ITEMS:
            raise ValueError(f"expected a list of at most {_MOST_ITEMS} items")
        return _CONVERTER.structure(value, tuples)

    return checked


@_CONVERTER.register_structure_hook_factory(_is_mapping)
def _mapping_hook(cls: Any) -> Any:
    def checked(value: Any, _: type[Any]) -> Any:
        if not isinstance(value, dict) or len(value) > _MOST_ITEMS:
            raise ValueError(f"expected an object of at most {_MOST_ITEMS} texts")
        return {key: _CONVERTER.structure(it, str) for key, it in value.items()}

    return checked


@_CONVERTER.register_structure_hook
def _text(value: Any, _: type) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"expected text, found {value!r:.40}")
    return str(value)


@_CONVERTER.register_structure_hook
def _number(value: Any, _: type) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -_LARGEST <= value <= _LARGEST:
        raise ValueError(f"expected a number, found {value!r:.40}")
    return value


@_CONVERTER.register_structure_hook
def _truth(value: Any, _: type) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, found {value!r:.40}")
    return value
