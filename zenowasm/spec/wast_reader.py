"""Reads ``.wast`` files with the parser of the text format, ``zenowasm.interp.text``.

Quoted modules remain text until they are judged, because many of them are malformed on purpose; all others are parsed
and encoded at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias, TypeVar

from zenowasm.interp.binary import encode
from zenowasm.interp.errors import DecodeError, LimitError
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.runtime.values import ExternRef
from zenowasm.interp.text import parse_module
from zenowasm.interp.text.lexer import tokenize
from zenowasm.interp.text.parser import ModuleParser
from zenowasm.interp.text.parser_fields import FIELD_KEYWORDS
from zenowasm.interp.text.parser_immediates import SHAPES, ImmediateParser
from zenowasm.interp.types import AbsHeapType, NumType, RefType, VecType
from zenowasm.spec.script import (
    Action,
    AssertException,
    AssertExhaustion,
    AssertInvalid,
    AssertInvalidCustom,
    AssertMalformed,
    AssertMalformedCustom,
    AssertReturn,
    AssertTrap,
    AssertUninstantiable,
    AssertUnlinkable,
    BinaryModule,
    Bits,
    Command,
    DefineModule,
    EitherPattern,
    Get,
    HostRefPattern,
    InstantiateDefinition,
    InstantiateModule,
    Invoke,
    Literal,
    ModuleSource,
    NanKind,
    NullPattern,
    NumPattern,
    Pattern,
    Perform,
    RefPattern,
    Register,
    Script,
    ScriptError,
    TextModule,
    VecPattern,
)

_CONSTANTS: Mapping[str, NumType] = {f"{type_}.const": type_ for type_ in NumType}
_VECTOR = f"{VecType.V128}.const"
_WIDTHS = {NumType.I32: 32, NumType.I64: 64, NumType.F32: 32, NumType.F64: 64}
_FLOATS: frozenset[NumType] = frozenset({NumType.F32, NumType.F64})
_NANS: Mapping[str, NanKind] = {kind.value: kind for kind in NanKind}
_HEAPS: Mapping[str, AbsHeapType] = {str(heap): heap for heap in AbsHeapType}
_REFERENCES: Mapping[str, AbsHeapType] = {f"ref.{heap}": heap for heap in AbsHeapType}
_NULL = "ref.null"
_HOST_REFERENCES: Mapping[str, AbsHeapType] = {"ref.extern": AbsHeapType.EXTERN, "ref.host": AbsHeapType.ANY}
"""The references that a script itself makes, with their argument types."""

_ModuleAssertion: TypeAlias = (
    type[AssertMalformed]
    | type[AssertInvalid]
    | type[AssertMalformedCustom]
    | type[AssertInvalidCustom]
    | type[AssertUnlinkable]
    | type[AssertUninstantiable]
)
_MODULE_ASSERTIONS: Mapping[str, _ModuleAssertion] = {
    "assert_malformed": AssertMalformed,
    "assert_invalid": AssertInvalid,
    "assert_malformed_custom": AssertMalformedCustom,
    "assert_invalid_custom": AssertInvalidCustom,
    "assert_unlinkable": AssertUnlinkable,
    "assert_trap": AssertUninstantiable,
}
_Item = TypeVar("_Item")


def read_script(path: Path) -> Script:
    """Read a ``.wast`` file; raises ``ScriptError`` if it cannot be read or is not a script."""
    limits = ModuleLimits()
    try:
        reader = _ScriptReader(tokenize(path.read_bytes(), limits), 0, limits)
        return Script(path, tuple(reader.commands()))
    except OSError as error:
        raise ScriptError(f"{path}: {error.strerror}") from error
    except (DecodeError, LimitError) as error:
        raise ScriptError(f"{path}: {error}") from error


def assemble(source: str) -> bytes:
    """Return the binary form of a module in the text format; raises ``DecodeError`` if it is malformed."""
    return encode(parse_module(source))


class _ScriptReader(ImmediateParser):
    """A reader of commands. Immediates of constants follow the syntax of modules; there are no index spaces."""

    def commands(self) -> list[Command]:
        """Read all commands, or the fields of one module."""
        commands: list[Command] = []
        if self.tokens[0] == "(" and self.tokens[1] in FIELD_KEYWORDS:
            commands.append(InstantiateModule(self.source.line(0), None, self._parsed()))
        while self.tokens[self.pos]:
            commands.append(self._command())
        self.source.check_annotations()
        return commands

    def _command(self) -> Command:
        self.expect("(")
        keyword = self.tokens[self.pos]
        self.pos += 1
        # As in other tools, the line of an assertion is that of the action or module in it.
        is_assertion = keyword.startswith("assert_") and self.tokens[self.pos] == "("
        line = self.source.line(self.pos + 1 if is_assertion else self.pos - 1)
        command: Command
        match keyword:
            case "module":
                command = self._module_command(line)
            case "register":
                command = Register(line, self.name(), self._name())
            case "invoke" | "get":
                self.pos -= 2
                return Perform(line, self._action())
            case "assert_return":
                command = AssertReturn(line, self._action(), self._many(self._pattern))
            case "assert_trap" if not self.at("module"):
                command = AssertTrap(line, self._action(), self.name())
            case "assert_exhaustion":
                command = AssertExhaustion(line, self._action(), self.name())
            case "assert_exception":
                command = AssertException(line, self._action())
            case _ if keyword in _MODULE_ASSERTIONS:
                command = self._assert_module(_MODULE_ASSERTIONS[keyword], line)
            case _:
                raise self.unexpected("a command such as 'module' or 'assert_return'", self.pos - 1)
        self.close()
        return command

    def _many(self, read: Callable[[], _Item]) -> tuple[_Item, ...]:
        """Read items up to a closing parenthesis, without consuming it."""
        items: list[_Item] = []
        while self.tokens[self.pos] != ")":
            items.append(read())
        return tuple(items)

    def _name(self) -> str | None:
        """Read an identifier if it is the next token."""
        spelled = self.identifier()
        return None if spelled is None else spelled[1:]

    # -- modules --

    def _module_command(self, line: int) -> Command:
        if self.take("instance"):
            return InstantiateDefinition(line, self._name(), self._name())
        make = DefineModule if self.take("definition") else InstantiateModule
        return make(line, *self._module())

    def _assert_module(self, make: _ModuleAssertion, line: int) -> Command:
        self.expect("(")
        self.expect("module")
        _, module = self._module()
        self.close()
        return make(line, module, self.name())

    def _module(self) -> tuple[str | None, ModuleSource]:
        """Read the rest of a module after its keyword, up to the closing parenthesis, without consuming it."""
        start = self.pos
        name = self._name()
        if self.take("binary"):
            return name, BinaryModule(self.strings())
        if self.take("quote"):
            # Some quoted modules are malformed because they are not valid UTF-8.
            return name, TextModule(self.quoted().decode(errors="surrogateescape"))
        self.pos = start
        return name, self._parsed()

    def _parsed(self) -> BinaryModule:
        """Read the identifier and the fields of a module, both optional."""
        parser = ModuleParser(self.source, self.pos, self.limits)
        module = parser.fields(parser.module_name())
        self.pos = parser.pos
        return BinaryModule(encode(module))

    # -- actions --

    def _action(self) -> Action:
        if self.open("get"):
            action: Action = Get(self._name(), self.name())
        elif self.open("invoke"):
            action = Invoke(self._name(), self.name(), self._many(self._argument))
        else:
            self.fail("'(invoke' or '(get'")
        self.close()
        return action

    def _argument(self) -> Literal:
        self.expect("(")
        keyword = self.tokens[self.pos]
        self.pos += 1
        if keyword in _CONSTANTS:
            type_ = _CONSTANTS[keyword]
            literal = Literal(type_, self.number(type_))
        elif keyword == _VECTOR:
            literal = Literal(VecType.V128, self.vector())
        elif keyword == _NULL:
            literal = Literal(RefType(True, self._heap()), None)
        elif keyword in _HOST_REFERENCES:
            literal = Literal(RefType(True, _HOST_REFERENCES[keyword]), ExternRef(self.unsigned(32)))
        else:
            raise self.unexpected("a constant", self.pos - 1)
        self.close()
        return literal

    def _heap(self) -> AbsHeapType:
        heap = _HEAPS.get(self.tokens[self.pos])
        if heap is None:
            self.fail("an abstract heap type")
        self.pos += 1
        return heap

    # -- results --

    def _pattern(self) -> Pattern:
        if not self.open("either"):
            return self._single_pattern()
        pattern = EitherPattern(self._many(self._single_pattern))
        self.close()
        return pattern

    def _single_pattern(self) -> Pattern:
        self.expect("(")
        keyword = self.tokens[self.pos]
        self.pos += 1
        pattern: Pattern
        if keyword in _CONSTANTS:
            type_ = _CONSTANTS[keyword]
            pattern = NumPattern(type_, self._bits(type_ if type_ in _FLOATS else None, _WIDTHS[type_]))
        elif keyword == _VECTOR:
            pattern = self._vector_pattern()
        elif keyword == _NULL:
            if self.tokens[self.pos] != ")":
                self._heap()
            pattern = NullPattern()
        elif keyword in _HOST_REFERENCES and self.tokens[self.pos] != ")":
            pattern = HostRefPattern(self.unsigned(32))
        elif keyword in _REFERENCES:
            pattern = RefPattern(_REFERENCES[keyword])
        else:
            raise self.unexpected("a result", self.pos - 1)
        self.close()
        return pattern

    def _vector_pattern(self) -> VecPattern:
        shape = SHAPES.get(self.tokens[self.pos])
        if shape is None:
            self.fail("a vector shape such as i32x4")
        self.pos += 1
        type_, width, count = shape
        return VecPattern(width, tuple([self._bits(type_, width) for _ in range(count)]))

    def _bits(self, type_: NumType | None, width: int) -> Bits:
        """Read a number, or a kind of NaN."""
        kind = _NANS.get(self.tokens[self.pos]) if type_ is not None else None
        if kind is None:
            return self.lane(type_, width)
        self.pos += 1
        return kind
