"""A module from ppci's intermediate code; it contains only what its exports need.

Memory begins with the stack, so that a stack overflow leaves memory and traps instead of overwriting data. Variables
and literals follow.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from zenowasm.interp.binary import encode
from zenowasm.interp.errors import WasmError
from zenowasm.interp.text import parse_module
from zenowasm.toolchains.c_in_python import values
from zenowasm.toolchains.c_in_python.functions import STACK_POINTER, Function
from zenowasm.toolchains.errors import CompileError

STACK_BYTES: Final = 64 * 1024
_PAGE: Final = 65536
_MOST_BYTES: Final = 1 << 30
"""The maximum size of all variables together."""


def compile_module(program: Any, exports: Collection[str], imports: Collection[str]) -> bytes:
    """Compile a ``ppci.ir.Module`` to a binary.

    The binary exports ``memory`` and those ``exports`` that the program defines. It imports, from the module ``env``,
    those ``imports`` that the program uses and does not define. Raises ``CompileError`` for any other undefined name.
    """
    return _Module(program, exports, imports).binary()


class _Module:
    def __init__(self, program: Any, exports: Collection[str], imports: Collection[str]) -> None:
        from ppci import ir

        self._defined = {function.name: function for function in program.functions}
        self._externals = {
            external.name: external for external in program.externals if isinstance(external, ir.ExternalSubRoutine)
        }
        self._variables = {variable.name: variable for variable in program.variables}
        self._exports = [name for name in exports if name in self._defined]
        self._importable = imports
        self._imported: dict[str, str] = {}
        self._wanted: list[str] = []
        self._table: list[str] = []
        self._addresses: dict[str, int] = {}
        self._literals: dict[bytes, int] = {}
        self._data: list[tuple[int, bytes]] = []
        self._end = STACK_BYTES

    def binary(self) -> bytes:
        for name in self._exports:
            self.call(name)
        # The list of needed functions grows while functions are translated.
        functions = [Function(self._defined[name], self).text() for name in self._wanted]
        lines = [
            "(module",
            *self._imported.values(),
            f'(memory (export "memory") {-(-self._end // _PAGE)})',
            f"(global {STACK_POINTER} (mut i32) (i32.const {STACK_BYTES}))",
            *(f'(export "{name}" (func ${name}))' for name in self._exports),
            *functions,
            *(f'(data (i32.const {at}) "{_escaped(data)}")' for at, data in self._data if any(data)),
        ]
        if self._table:  # index 0 is C's null; calling it traps
            names = " ".join(f"${name}" for name in self._table)
            lines.append(f"(table {len(self._table) + 1} funcref) (elem (i32.const 1) {names})")
        try:
            return encode(parse_module("\n".join([*lines, ")"])))
        except WasmError as error:
            raise CompileError(f"the program is too large for a WebAssembly module: {error}") from error

    # -- requests from functions --

    def call(self, name: str) -> str:
        if name in self._defined:
            if name not in self._wanted:
                self._wanted.append(name)
        elif name not in self._imported:
            if name not in self._importable:
                raise CompileError(f"the function {name} is declared, and neither defined nor one of the host's")
            self._imported[name] = self._import(name)
        return f"${name}"

    def function_pointer(self, name: str) -> int:
        self.call(name)
        if name not in self._table:
            self._table.append(name)
        return self._table.index(name) + 1

    def address(self, name: str) -> int:
        if name not in self._addresses:
            variable = self._variables.get(name)
            if variable is None:
                raise CompileError(f"the variable {name} is declared and not defined")
            self._addresses[name] = at = self._reserve(variable.amount, variable.alignment)
            if variable.value is not None:
                self._data.append((at, b"".join(self._initial(part) for part in variable.value)))
        return self._addresses[name]

    def literal(self, data: bytes) -> int:
        if data not in self._literals:
            self._literals[data] = at = self._reserve(len(data), 1)
            self._data.append((at, data))
        return self._literals[data]

    def _initial(self, part: Any) -> bytes:
        """Return the bytes of an initial value; a pointer in it is a pair of its type and a name."""
        if isinstance(part, bytes):
            return part
        name = part[1]
        is_function = name in self._defined or name in self._externals
        return (self.function_pointer(name) if is_function else self.address(name)).to_bytes(4, "little")

    def _reserve(self, size: int, alignment: int) -> int:
        alignment = max(alignment, 8 if size >= 8 else 1)
        at = (self._end + alignment - 1) // alignment * alignment
        self._end = at + size
        if self._end > _MOST_BYTES:
            raise CompileError(f"the program's variables take more than {_MOST_BYTES} bytes")
        return at

    def _import(self, name: str) -> str:
        external = self._externals[name]
        types = " ".join(values.wasm(type_) for type_ in external.argument_types)
        result = f"(result {values.wasm(external.return_ty)})" if hasattr(external, "return_ty") else ""
        return f'(import "env" "{name}" (func ${name} (param {types}) {result}))'


def _escaped(data: bytes) -> str:
    return "".join(f"\\{byte:02x}" for byte in data)
