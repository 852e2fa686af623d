"""Random programs that are valid and that terminate, made from a tape of bytes.

Hypothesis makes and shrinks the tape: where it ends, every choice is the first one, and first choices are simple. A
program counts its loop iterations and calls in a global and traps when there are too many of them, so that any
branch whatsoever may be taken. Its floats come out as bits, its memory, globals and table are exported.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field
from support.wasm import (
    CODE,
    DATA,
    DATA_COUNT,
    ELEMENT,
    END,
    EXPORT,
    F32,
    F64,
    FUNCREF,
    FUNCTION,
    GLOBAL,
    I32,
    I64,
    MEMORY,
    TABLE,
    TYPE,
    functype,
    module,
    name,
    s,
    section,
    sized,
    u,
    vec,
)

from zenowasm.interp.features import WASM_2
from zenowasm.interp.instructions import TABLE as ROWS
from zenowasm.interp.types import NumType

NUMBERS = (I32, I64, F32, F64)
_TYPE_BYTES = {"i32": I32, "i64": I64, "f32": F32, "f64": F64}
_STEPS = 60
"""Loop iterations and calls that a program may make."""

Signature = tuple[tuple[bytes, ...], tuple[bytes, ...]]


def _operators() -> dict[bytes, list[tuple[bytes, tuple[bytes, ...]]]]:
    """Group the operators by result type: their bytes and the types of their operands."""
    found: dict[bytes, list[tuple[bytes, tuple[bytes, ...]]]] = {number: [] for number in NUMBERS}
    for row in ROWS.rows:
        types = (*(row.parameters or ()), *(row.results or ()))
        if row.feature not in WASM_2 or not row.parameters or row.immediates or len(row.results or ()) != 1:
            continue
        if all(isinstance(type_, NumType) for type_ in types):
            code = bytes((row.code,)) if row.prefix is None else bytes((row.prefix,)) + u(row.code)
            bytes_ = [_TYPE_BYTES[str(type_)] for type_ in types]
            found[bytes_[-1]].append((code, tuple(bytes_[:-1])))
    return found


_OPERATORS = _operators()
_LOADS = {I32: (0x28, 0x2C, 0x2D, 0x2E, 0x2F), I64: (0x29, *range(0x30, 0x36)), F32: (0x2A,), F64: (0x2B,)}
_STORES = {I32: (0x36, 0x3A, 0x3B), I64: (0x37, 0x3C, 0x3D, 0x3E), F32: (0x38,), F64: (0x39,)}
_I32S = (0, 1, 2, -1, 3, 7, 100, 65535, 65536, 2**31 - 1, -(2**31), 65528)
_I64S = (0, 1, -1, 2**32, 2**63 - 1, -(2**63), 12345678901)
_F32S = (0x00000000, 0x3F800000, 0xBFC00000, 0x80000000, 0x7FC00000, 0x7F800000, 0x4F000000, 0x00000001, 0x7FA00001)
_F64S = (
    0,
    0x3FF8000000000000,
    0xC000000000000000,
    1 << 63,
    0x7FF8000000000000,
    0xFFF0000000000000,
    0x41E0000000000000,
    1,
    0x7FF4000000000001,
)


class Tape:
    """A run of choices."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def choose(self, count: int) -> int:
        """Return a number below ``count``, 0 where the tape has ended."""
        byte = self.data[self.at] if self.at < len(self.data) else 0
        self.at += 1
        return byte % count

    @property
    def ended(self) -> bool:
        return self.at >= len(self.data)


@define
class Scope:
    """What the code that is being written may use: locals, and the types that branches to the open labels take."""

    locals: list[bytes]
    labels: list[tuple[bytes, ...]]
    results: tuple[bytes, ...]
    depth: int = 0


@define
class Program:
    """A module, and how to call it."""

    binary: bytes = field(repr=False)
    exports: Sequence[tuple[str, Signature]]


_GLOBALS = (
    (I32, b"\x41" + s(_STEPS)),
    (I32, b"\x41\5"),
    (I64, b"\x42\x7f"),
    (F32, b"\x43\0\0\xa0\x7f"),
    (F64, b"\x44" + bytes(7) + b"\x40"),
)
_STEP = b"\x23\0\x45\x04\x40\0\x0b\x23\0\x41\1\x6b\x24\0"
"""Count down global 0; ``unreachable`` when it is 0."""


class _Writer:
    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.types: list[Signature] = []
        count = 1 + tape.choose(4)
        self.functions = [self._signature() for _ in range(count)]

    def _signature(self) -> Signature:
        tape = self.tape
        parameters = tuple(NUMBERS[tape.choose(4)] for _ in range(tape.choose(4)))
        return parameters, tuple(NUMBERS[tape.choose(4)] for _ in range(tape.choose(3)))

    def type_index(self, signature: Signature) -> int:
        if signature not in self.types:
            self.types.append(signature)
        return self.types.index(signature)

    def program(self) -> Program:
        bodies = [self._function(signature) for signature in self.functions]
        indexes = [self.type_index(signature) for signature in self.functions]
        exports = [(f"f{index}", signature) for index, signature in enumerate(self.functions)]
        exported = [name(title) + b"\0" + u(index) for index, (title, _) in enumerate(exports)]
        exported += [name(f"g{index}") + b"\3" + u(index) for index in range(len(_GLOBALS))]
        exported += [name("memory") + b"\2\0", name("table") + b"\1\0"]
        binary = module(
            section(TYPE, vec([functype(b"".join(p), b"".join(r)) for p, r in self.types])),
            section(FUNCTION, vec(map(u, indexes))),
            section(TABLE, vec([FUNCREF + b"\1\6\x0c"])),
            section(MEMORY, vec([b"\1\1\3"])),
            section(GLOBAL, vec([type_ + b"\1" + init + END for type_, init in _GLOBALS])),
            section(EXPORT, vec(exported)),
            section(
                ELEMENT, vec([b"\0\x41\1\x0b" + vec([u(i % len(indexes)) for i in range(4)]), b"\1\0" + vec([u(0)])])
            ),
            section(DATA_COUNT, u(2)),
            section(CODE, vec(bodies)),
            section(DATA, vec([b"\0\x41\0\x0b" + sized(bytes(range(256))), b"\1" + sized(b"passive")])),
        )
        return Program(binary, exports)

    def _function(self, signature: Signature) -> bytes:
        parameters, results = signature
        declared = [NUMBERS[self.tape.choose(4)] for _ in range(self.tape.choose(4))]
        scope = Scope([*parameters, *declared], [results], results)
        code = _STEP + self._statements(scope) + self._values(results, scope)
        return sized(vec(b"\1" + type_ for type_ in declared) + code + END)

    # -- code that takes nothing from the stack and leaves nothing there --

    def _statements(self, scope: Scope) -> bytes:
        return b"".join(self._statement(scope) for _ in range(self.tape.choose(5)))

    def _statement(self, scope: Scope) -> bytes:
        tape = self.tape
        kinds = (
            self._set_local, self._set_global, self._store, self._drop, self._call_statement, self._block, self._loop,
            self._if, self._branch_if, self._branch, self._branch_table, self._bulk, self._memory_grow,
            self._table_statement,
        )  # fmt: skip
        return kinds[tape.choose(len(kinds))](scope)

    def _set_local(self, scope: Scope) -> bytes:
        if not scope.locals:
            return b"\x01"
        index = self.tape.choose(len(scope.locals))
        return self._value(scope.locals[index], scope) + b"\x21" + u(index)

    def _set_global(self, scope: Scope) -> bytes:
        index = 1 + self.tape.choose(len(_GLOBALS) - 1)
        return self._value(_GLOBALS[index][0], scope) + b"\x24" + u(index)

    def _address(self, scope: Scope) -> bytes:
        """Mostly inside of the memory: 16 bits of something."""
        value = self._value(I32, scope)
        return value if self.tape.choose(8) == 7 else value + b"\x41" + s(0xFFF7) + b"\x71"

    def _store(self, scope: Scope) -> bytes:
        type_ = NUMBERS[self.tape.choose(4)]
        code = _STORES[type_][self.tape.choose(len(_STORES[type_]))]
        return self._address(scope) + self._value(type_, scope) + bytes((code, 0)) + u(self.tape.choose(9))

    def _drop(self, scope: Scope) -> bytes:
        return self._value(NUMBERS[self.tape.choose(4)], scope) + b"\x1a"

    def _call_statement(self, scope: Scope) -> bytes:
        index = self.tape.choose(len(self.functions))
        parameters, results = self.functions[index]
        if self.tape.choose(2):
            call = b"\x10" + u(index)
        else:
            element = self.tape.choose(7) or index + 1
            call = b"\x41" + s(element) + b"\x11" + u(self.type_index((parameters, results))) + b"\0"
        return self._values(parameters, scope) + call + b"\x1a" * len(results)

    def _blocktype(self, signature: Signature) -> bytes:
        parameters, results = signature
        if not parameters and len(results) <= 1:
            return results[0] if results else b"\x40"
        return s(self.type_index(signature))

    def _nested(self, scope: Scope, opcode: bytes, *, is_loop: bool = False) -> bytes:
        signature: Signature = ((), ()) if scope.depth > 3 or self.tape.ended else self._signature()
        parameters, results = signature
        label = parameters if is_loop else results
        inner = Scope(scope.locals, [label, *scope.labels], scope.results, scope.depth + 1)
        taken = b"\x1a" * len(parameters)

        def arm() -> bytes:
            return taken + (_STEP if is_loop else b"") + self._statements(inner) + self._values(results, inner)

        code = self._values(parameters, scope)
        if opcode == b"\x04":
            code += self._value(I32, scope)
        code += opcode + self._blocktype(signature) + arm()
        if opcode == b"\x04" and (parameters != results or self.tape.choose(2)):
            code += b"\x05" + arm()
        return code + END + b"\x1a" * len(results)

    def _block(self, scope: Scope) -> bytes:
        return self._nested(scope, b"\x02")

    def _loop(self, scope: Scope) -> bytes:
        return self._nested(scope, b"\x03", is_loop=True)

    def _if(self, scope: Scope) -> bytes:
        return self._nested(scope, b"\x04")

    def _branch_if(self, scope: Scope) -> bytes:
        label = self.tape.choose(len(scope.labels))
        types = scope.labels[label]
        junk = self._value(I64, scope) if self.tape.choose(2) else b""
        code = junk + self._values(types, scope) + self._value(I32, scope) + b"\x0d" + u(label)
        return code + b"\x1a" * (len(types) + bool(junk))

    def _branch(self, scope: Scope) -> bytes:
        """Branch or return in one arm of an ``if``, so that what follows can be reached."""
        label = self.tape.choose(len(scope.labels) + 1)
        inside = Scope(scope.locals, [(), *scope.labels], scope.results, scope.depth + 1)
        junk = self._value(F32, inside) if self.tape.choose(2) else b""
        if label == len(scope.labels):
            jump = self._values(scope.results, inside) + b"\x0f"
        else:
            jump = self._values(scope.labels[label], inside) + b"\x0c" + u(label + 1)
        return self._value(I32, scope) + b"\x04\x40" + junk + jump + END

    def _branch_table(self, scope: Scope) -> bytes:
        label = self.tape.choose(len(scope.labels))
        types = scope.labels[label]
        same = [index for index, it in enumerate(scope.labels) if it == types]
        inside = Scope(scope.locals, [(), *scope.labels], scope.results, scope.depth + 1)
        targets = [u(same[self.tape.choose(len(same))] + 1) for _ in range(self.tape.choose(4))]
        jump = self._values(types, inside) + self._value(I32, inside) + b"\x0e" + vec(targets) + u(label + 1)
        return self._value(I32, scope) + b"\x04\x40" + jump + END

    def _small(self, scope: Scope) -> bytes:
        return self._value(I32, scope) + b"\x41\x1f\x71"

    def _bulk(self, scope: Scope) -> bytes:
        code = (b"\xfc\x0b\0", b"\xfc\x0a\0\0", b"\xfc\x08\1\0", b"\xfc\x0c\1\0", b"\xfc\x0e\0\0")[self.tape.choose(5)]
        return self._small(scope) + self._small(scope) + self._small(scope) + code

    def _growth(self) -> bytes:
        # A constant is charged for also where growing fails, any other operand is not.
        amount = b"\x41" + s(self.tape.choose(4))
        return amount if self.tape.choose(2) else b"\x23\0" + amount + b"\x71"

    def _memory_grow(self, scope: Scope) -> bytes:
        return self._growth() + b"\x40\0\x1a"

    def _table_statement(self, scope: Scope) -> bytes:
        index = b"\x41" + s(self.tape.choose(7))
        element = index + b"\x25\0" if self.tape.choose(2) else b"\xd0\x70"
        return (
            index + element + b"\x26\0",
            element + self._growth() + b"\xfc\x0f\0\x1a",
            index + element + b"\x41\1\xfc\x11\0",
        )[self.tape.choose(3)]

    # -- code that leaves a value --

    def _values(self, types: Sequence[bytes], scope: Scope) -> bytes:
        return b"".join(self._value(type_, scope) for type_ in types)

    def _value(self, type_: bytes, scope: Scope) -> bytes:
        scope = Scope(scope.locals, scope.labels, scope.results, scope.depth + 1)
        kinds = (
            self._constant, self._local, self._global, self._operator, self._operator, self._load, self._select,
            self._tee, self._call_value, self._size, self._block_value,
        )  # fmt: skip
        if scope.depth > 6 or self.tape.ended:
            kinds = kinds[:3]
        return kinds[self.tape.choose(len(kinds))](type_, scope)

    def _constant(self, type_: bytes, scope: Scope) -> bytes:
        choose = self.tape.choose
        if type_ == I32:
            return b"\x41" + s(_I32S[choose(len(_I32S))])
        if type_ == I64:
            return b"\x42" + s(_I64S[choose(len(_I64S))])
        if type_ == F32:
            return b"\x43" + _F32S[choose(len(_F32S))].to_bytes(4, "little")
        return b"\x44" + _F64S[choose(len(_F64S))].to_bytes(8, "little")

    def _local(self, type_: bytes, scope: Scope) -> bytes:
        fitting = [index for index, it in enumerate(scope.locals) if it == type_]
        if not fitting:
            return self._constant(type_, scope)
        return b"\x20" + u(fitting[self.tape.choose(len(fitting))])

    def _global(self, type_: bytes, scope: Scope) -> bytes:
        fitting = [index for index, (it, _) in enumerate(_GLOBALS) if it == type_]
        return b"\x23" + u(fitting[self.tape.choose(len(fitting))])

    def _operator(self, type_: bytes, scope: Scope) -> bytes:
        operators = _OPERATORS[type_]
        # A tape's byte reaches all of them: no type has more than 256.
        code, operands = operators[self.tape.choose(len(operators))]
        return self._values(operands, scope) + code

    def _load(self, type_: bytes, scope: Scope) -> bytes:
        code = _LOADS[type_][self.tape.choose(len(_LOADS[type_]))]
        return self._address(scope) + bytes((code, 0)) + u(self.tape.choose(9))

    def _select(self, type_: bytes, scope: Scope) -> bytes:
        code = b"\x1c\1" + type_ if self.tape.choose(2) else b"\x1b"
        return self._values((type_, type_, I32), scope) + code

    def _tee(self, type_: bytes, scope: Scope) -> bytes:
        fitting = [index for index, it in enumerate(scope.locals) if it == type_]
        value = self._value(type_, scope)
        return value + b"\x22" + u(fitting[self.tape.choose(len(fitting))]) if fitting else value

    def _call_value(self, type_: bytes, scope: Scope) -> bytes:
        fitting = [index for index, (_, results) in enumerate(self.functions) if type_ in results]
        if not fitting:
            return self._constant(type_, scope)
        index = fitting[self.tape.choose(len(fitting))]
        parameters, results = self.functions[index]
        # What lies below the wanted value goes away with a branch out of a block.
        inner = Scope(scope.locals, [(type_,), *scope.labels], scope.results, scope.depth + 1)
        above = results[::-1].index(type_)
        call = self._values(parameters, inner) + b"\x10" + u(index) + b"\x1a" * above
        return b"\x02" + type_ + call + b"\x0c\0" + END

    def _size(self, type_: bytes, scope: Scope) -> bytes:
        size = b"\x3f\0" if self.tape.choose(2) else b"\xfc\x10\0"
        return size if type_ == I32 else self._constant(type_, scope)

    def _block_value(self, type_: bytes, scope: Scope) -> bytes:
        inner = Scope(scope.locals, [(type_,), *scope.labels], scope.results, scope.depth + 1)
        return b"\x02" + type_ + self._statements(inner) + self._value(type_, inner) + END


def program(tape: bytes) -> Program:
    """Make the program that a tape describes."""
    return _Writer(Tape(tape)).program()


def arguments(signature: Signature, choice: int) -> tuple[int | float, ...]:
    """Choose arguments for a signature."""
    numbers = (0, 1, 5, 0xFFFFFFFF, 3, 65536)
    floats = (0.0, 1.0, -2.5, 65536.0, 1e10, -0.0)
    return tuple(
        numbers[(choice + index) % 6] if type_ in (I32, I64) else floats[(choice + index) % 6]
        for index, type_ in enumerate(signature[0])
    )
