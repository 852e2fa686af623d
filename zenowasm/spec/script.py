"""Test scripts as data: the commands of a ``.wast`` file.

The grammar is that of the WebAssembly specification's reference interpreter (``interpreter/README.md``, section
"Scripts"), without threads. Every command has the line on which it starts; an assertion has the line of its action or
module.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TypeAlias

from attrs import frozen

from zenowasm.interp.runtime.values import Value
from zenowasm.interp.types import AbsHeapType, NumType, ValType


class ScriptError(Exception):
    """Raised when a file cannot be read or is not a test script; the message is one line for the user."""


@frozen
class BinaryModule:
    """A module in the binary format, possibly invalid."""

    binary: bytes


@frozen
class TextModule:
    """A quoted module in the text format, possibly malformed."""

    source: str


ModuleSource: TypeAlias = BinaryModule | TextModule


@frozen
class Literal:
    """A typed argument of an action, in the representation of ``interp.runtime.values``."""

    type: ValType
    value: Value


@frozen
class Invoke:
    """A call of an exported function of the named instance, or of the current one if ``instance`` is ``None``."""

    instance: str | None
    field: str
    arguments: tuple[Literal, ...]


@frozen
class Get:
    """A read of an exported global of the named instance, or of the current one if ``instance`` is ``None``."""

    instance: str | None
    field: str


Action: TypeAlias = Invoke | Get


class NanKind(Enum):
    """The kind of NaN that a result must be (specification, 4.3.3)."""

    CANONICAL = "nan:canonical"
    ARITHMETIC = "nan:arithmetic"


Bits: TypeAlias = int | NanKind
"""The expected bits of a number: exactly these, or those of any NaN of this kind."""


@frozen
class NumPattern:
    """A pattern for a number of this type."""

    type: NumType
    bits: Bits


@frozen
class VecPattern:
    """A pattern for a vector, lane by lane; lane 0 first, each ``lane_width`` bits wide."""

    lane_width: int
    lanes: tuple[Bits, ...]


@frozen
class NullPattern:
    """A pattern for a null reference."""


@frozen
class RefPattern:
    """A pattern for any non-null reference of this heap type."""

    heap: AbsHeapType


@frozen
class HostRefPattern:
    """A pattern for the script's host reference with this number, as an external or an internal reference."""

    number: int


@frozen
class EitherPattern:
    """A pattern that matches if one of several patterns does."""

    alternatives: tuple[Pattern, ...]


Pattern: TypeAlias = NumPattern | VecPattern | NullPattern | RefPattern | HostRefPattern | EitherPattern


@frozen
class InstantiateModule:
    """``(module ...)``: instantiate a module, which becomes the current one."""

    line: int
    name: str | None
    module: ModuleSource


@frozen
class DefineModule:
    """``(module definition ...)``: check a module and keep it for instances."""

    line: int
    name: str | None
    module: ModuleSource


@frozen
class InstantiateDefinition:
    """``(module instance ...)``: instantiate the named definition, or the last one."""

    line: int
    name: str | None
    definition: str | None


@frozen
class Register:
    """``(register ...)``: offer an instance's exports to later modules under a module name."""

    line: int
    module_name: str
    instance: str | None


@frozen
class Perform:
    """A command that performs an action and ignores its results."""

    line: int
    action: Action


@frozen
class AssertReturn:
    """An assertion that the action returns results that match the patterns."""

    line: int
    action: Action
    expected: tuple[Pattern, ...]


@frozen
class AssertTrap:
    """An assertion that the action traps with this message."""

    line: int
    action: Action
    words: str


@frozen
class AssertExhaustion:
    """An assertion that the action exhausts the call stack."""

    line: int
    action: Action
    words: str


@frozen
class AssertException:
    """An assertion that the action ends in an exception that the guest does not catch."""

    line: int
    action: Action


@frozen
class AssertMalformed:
    """An assertion that the module cannot be decoded (or parsed)."""

    line: int
    module: ModuleSource
    words: str


@frozen
class AssertInvalid:
    """An assertion that the module can be decoded but is not valid."""

    line: int
    module: ModuleSource
    words: str


@frozen
class AssertMalformedCustom:
    """An assertion that the module can be decoded, or parsed, except for a custom section or an annotation."""

    line: int
    module: ModuleSource
    words: str


@frozen
class AssertInvalidCustom:
    """An assertion that the module is valid except for a custom section or an annotation."""

    line: int
    module: ModuleSource
    words: str


@frozen
class AssertUnlinkable:
    """An assertion that the module is valid but its imports do not match."""

    line: int
    module: ModuleSource
    words: str


@frozen
class AssertUninstantiable:
    """An assertion that the module links but its instantiation traps."""

    line: int
    module: ModuleSource
    words: str


Command: TypeAlias = (
    InstantiateModule
    | DefineModule
    | InstantiateDefinition
    | Register
    | Perform
    | AssertReturn
    | AssertTrap
    | AssertExhaustion
    | AssertException
    | AssertMalformed
    | AssertInvalid
    | AssertMalformedCustom
    | AssertInvalidCustom
    | AssertUnlinkable
    | AssertUninstantiable
)

KEYWORDS: dict[type[Command], str] = {
    InstantiateModule: "module",
    DefineModule: "module definition",
    InstantiateDefinition: "module instance",
    Register: "register",
    Perform: "action",
    AssertReturn: "assert_return",
    AssertTrap: "assert_trap",
    AssertExhaustion: "assert_exhaustion",
    AssertException: "assert_exception",
    AssertMalformed: "assert_malformed",
    AssertInvalid: "assert_invalid",
    AssertMalformedCustom: "assert_malformed_custom",
    AssertInvalidCustom: "assert_invalid_custom",
    AssertUnlinkable: "assert_unlinkable",
    AssertUninstantiable: "assert_uninstantiable",
}
"""The keyword of each command in a script."""


@frozen
class Script:
    """A test script: its file, and its commands in order."""

    path: Path
    commands: tuple[Command, ...]
