"""Modules made to be dear to load: each shape repeats one thing, so that a cost that is not linear shows.

``SHAPES[name](size)`` returns a module of roughly ``size`` bytes, valid unless the name says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from support.wasm import (
    CODE,
    DATA,
    ELEMENT,
    END,
    EXPORT,
    FUNCREF,
    FUNCTION,
    GLOBAL,
    I32,
    I64,
    IMPORT,
    MEMORY,
    TABLE,
    TYPE,
    body,
    custom,
    functype,
    module,
    name,
    s,
    section,
    sized,
    u,
    vec,
)

TAG = 13
MOST_LOCALS = 50_000
MOST_VALUES = 1_000
_NOTHING = functype()
_EMPTY, _LOOP, _IF = b"\x02\x40", b"\x03\x40", b"\x04\x40"
_DROP, _UNREACHABLE, _ZERO = b"\x1a", b"\x00", b"\x41\x00"
_BRANCH = _ZERO + b"\x0d\x00"
_BLOCK_OF_TYPE, _LOOP_OF_TYPE = b"\x02\x00", b"\x03\x00"
_REF_NULL_0, _REF_0 = b"\x63\x00", b"\x64\x00"
_WIDE = I64 * MOST_VALUES

Shape = Callable[[int], bytes]


def _functions(bodies: list[bytes], *types: bytes, more: tuple[bytes, ...] = ()) -> bytes:
    """Make a module whose functions have type 0; ``more`` are sections between functions and code."""
    return module(
        section(TYPE, vec(types or (_NOTHING,))),
        section(FUNCTION, vec([u(0)] * len(bodies))),
        *more,
        section(CODE, vec(bodies)),
    )


def _one(instructions: bytes, *types: bytes, locals_: tuple[tuple[int, bytes], ...] = ()) -> bytes:
    """Make a module of one function, whose type is the last of ``types``."""
    types = (*types, _NOTHING)
    return module(
        section(TYPE, vec(types)),
        section(FUNCTION, vec([u(len(types) - 1)])),
        section(CODE, vec([body(instructions, *locals_)])),
    )


def _repeated(pattern: bytes, size: int, before: bytes = b"", after: bytes = b"", *types: bytes) -> bytes:
    return _one(before + pattern * max(1, size // len(pattern)) + after, *types)


def _increment(local: int, type_: bytes = I64) -> bytes:
    constant, add = (b"\x42\x01", b"\x7c") if type_ == I64 else (b"\x41\x01", b"\x6a")
    return b"\x20" + u(local) + constant + add + b"\x21" + u(local)


def _locals_in_blocks(size: int, opener: bytes, before: bytes = b"", closer: bytes = END) -> bytes:
    """Return blocks inside one another that use every fifth of 50,000 locals, all of them together."""
    used = list(range(0, MOST_LOCALS, 5))[: max(1, size // 11)]
    blocks = max(1, len(used) // 10)
    code = b""
    for at in range(blocks):
        code += before + opener + b"".join(_increment(local) for local in used[at::blocks])
    return _one(code + closer * blocks, locals_=((MOST_LOCALS, I64),))


def _locals_in_functions(size: int, type_: bytes = I64, per_function: int = 10) -> bytes:
    return _functions([body(b"", (MOST_LOCALS, type_))] * max(1, size // per_function))


def _nested(opener: bytes, size: int, before: bytes = b"", after: bytes = END) -> bytes:
    count = max(1, size // (len(opener) + len(before) + len(after)))
    return _one((before + opener) * count + after * count)


def _table_of_labels(size: int) -> bytes:
    depth = max(1, size // 6)
    return _one(_EMPTY * depth + _ZERO + b"\x0e" + vec(u(at) for at in range(depth)) + u(0) + END * depth)


def _wide_table(size: int) -> bytes:
    """Return branch tables whose labels all take 1,000 values."""
    depth = max(1, size // 7)
    code = b"\x02\x01" * depth + _UNREACHABLE
    code += _ZERO + b"\x0e" + vec(u(at) for at in range(depth)) + u(0) + END * depth + _UNREACHABLE
    return _one(code, _NOTHING, functype(b"", _WIDE))


def _live_wide_table(size: int) -> bytes:
    depth = max(1, size // 7)
    code = b"\x02\x01" * depth + b"\x10\x00"
    code += _ZERO + b"\x0e" + vec(u(at) for at in range(depth)) + u(0) + END * depth + _UNREACHABLE
    types = (functype(b"", _WIDE), functype(b"", _WIDE), _NOTHING)
    return module(
        section(TYPE, vec(types)),
        section(FUNCTION, vec([u(0), u(2)])),
        section(CODE, vec([body(_UNREACHABLE), body(code)])),
    )


def _wide_calls(code: bytes, before: bytes = b"", after: bytes = b"", type_: bytes = b"") -> Shape:
    """Return a shape that repeats ``code``; function 0 and type 0 take and return 1,000 values, type 1 only returns."""

    def shape(size: int) -> bytes:
        wide = type_ or functype(_WIDE, _WIDE)
        instructions = before + code * max(1, size // len(code)) + after + _UNREACHABLE
        return module(
            section(TYPE, vec([wide, functype(b"", _WIDE), _NOTHING, functype(_WIDE)])),
            section(FUNCTION, vec([u(0), u(1), u(2)])),
            section(TABLE, vec([FUNCREF + b"\x00\x01"])),
            section(TAG, vec([b"\x00\x03"])),
            section(CODE, vec([body(_UNREACHABLE), body(_UNREACHABLE), body(instructions)])),
        )

    return shape


def _wide_structs(code: bytes, before: bytes = b"", storage: bytes = b"\x7f\x00") -> Shape:
    """Return a shape that repeats ``code``; type 0 is a structure of 10,000 fields."""
    return lambda size: _repeated(
        code, size, before, b"\x00", b"\x5f" + u(10_000) + storage * 10_000, b"\x5e" + storage
    )


def _types(entry: Callable[[int], bytes], size: int, each: int) -> bytes:
    return module(section(TYPE, vec(entry(at) for at in range(max(1, size // each)))))


def _spelled(at: int) -> bytes:
    """Return value types that spell a number, so that types differ."""
    return bytes(0x7F - (at >> shift & 3) for shift in range(0, 20, 2))


def _group(size: int) -> bytes:
    count = max(1, size // 7)
    return module(section(TYPE, vec([b"\x4e" + vec(b"\x5f\x01\x63" + s(at) + b"\x00" for at in range(count))])))


def _groups_of_groups(size: int) -> bytes:
    """Return groups of which each refers to the one before it twice."""
    first = b"\x5f\x00"
    return _types(lambda at: b"\x5f\x02\x63" + s(at - 1) + b"\x00\x63" + s(at - 1) + b"\x00" if at else first, size, 10)


def _chains(size: int) -> bytes:
    """Return chains of subtypes, each 60 deep."""
    return _types(lambda at: b"\x50\x00\x5f\x00" if at % 60 == 0 else b"\x50\x01" + u(at - 1) + b"\x5f\x00", size, 6)


def _wide_subtypes(size: int) -> bytes:
    fields = vec([I32 + b"\x00"] * 10_000)
    return _types(lambda at: b"\x50\x00\x5f" + fields if at == 0 else b"\x50\x01\x00\x5f" + fields, size, 20_000)


def _elements(entries: bytes, count: int, form: bytes) -> bytes:
    return _functions([body(b"")], more=(section(ELEMENT, vec([form + u(count) + entries])),))


def _exports(size: int, *, duplicate: bool = False) -> bytes:
    count = max(2, size // 10)
    names = [name(f"f{at:x}") for at in range(count)]
    if duplicate:
        names[-1] = names[0]
    return _functions([body(b"")], more=(section(EXPORT, vec(it + b"\x00\x00" for it in names)),))


def _imports(size: int, kind: bytes) -> bytes:
    count = max(1, size // 12)
    entries = vec(name("m") + name(f"f{at:x}") + kind for at in range(count))
    return module(section(TYPE, vec([_NOTHING])), section(IMPORT, entries))


def _globals(size: int) -> bytes:
    """Return globals of which each has the value of the one before."""
    return module(
        section(
            GLOBAL,
            vec(I32 + b"\x00" + (b"\x23" + u(at - 1) if at else _ZERO) + END for at in range(max(1, size // 6))),
        )
    )


def _constant(size: int) -> bytes:
    return module(section(GLOBAL, vec([I32 + b"\x00" + _ZERO + (_ZERO + b"\x6a") * (size // 3) + END])))


def _names(size: int, *, same: bool = False) -> bytes:
    count = max(1, size // 8)
    entries = vec(u(0 if same else at) + name(f"n{at:x}") for at in range(count))
    return _functions([body(b"")]) + custom("name", b"\x01" + sized(entries))


def _deep_stack(size: int, middle: bytes = b"") -> bytes:
    """Return constants that all wait on the stack while ``middle`` executes."""
    count = max(1, size // (4 if not middle else 8))
    times = (size // 2) // len(middle) if middle else 0
    # The constants come from a local, or the compiler would not keep them.
    return _one(b"\x20\x00" * count + middle * times + (_DROP * count), locals_=((1, I32),))


def _data(size: int) -> bytes:
    count = min(100_000, max(1, size // 5))
    return module(section(MEMORY, vec([b"\x00\x01"])), section(DATA, vec([b"\x00" + _ZERO + END + b"\x00"] * count)))


def _references(size: int) -> bytes:
    count = max(1, size // 3)
    declared = section(ELEMENT, vec([b"\x03\x00" + vec([u(0)])]))
    return _functions([body((b"\xd2\x00" + _DROP) * count)], more=(declared,))


def _set_in_blocks(size: int) -> bytes:
    """Return blocks that each set a local that has no default value."""
    count = min(MOST_LOCALS, max(1, size // 8))
    code = b"".join(_EMPTY + b"\xd2\x00\x21" + u(at) + END for at in range(count))
    more = (section(ELEMENT, vec([b"\x03\x00" + vec([u(0)])])),)
    return _functions([body(code, (count, b"\x64\x00"))], more=more)


def _catches(size: int, carried: bytes = b"") -> bytes:
    count = max(1, size // 3)
    code = b"\x02\x01\x1f\x40" + vec([b"\x00\x00\x00"] * count) + END + _UNREACHABLE + END + _UNREACHABLE
    return module(
        section(TYPE, vec([functype(carried), functype(b"", carried), _NOTHING])),
        section(FUNCTION, vec([u(2)])),
        section(TAG, vec([b"\x00\x00"])),
        section(CODE, vec([body(code)])),
    )


def _calls_in_tries(size: int) -> bytes:
    """Return calls inside of nested ``try_table`` blocks, each of which has a clause."""
    tries = max(1, size // 10)
    opened = b"\x1f\x40\x01\x02\x00" * tries  # catch_all to the innermost label outside
    return _one(opened + b"\x10\x00" * (size // 4) + END * tries)


SHAPES: Mapping[str, Shape] = {
    "locals in empty functions": _locals_in_functions,
    "vector locals in empty functions": lambda size: _locals_in_functions(size, b"\x7b"),
    "reference locals in empty functions": lambda size: _locals_in_functions(size, _REF_NULL_0, 11),
    "locals without default in empty functions": lambda size: _locals_in_functions(size, _REF_0, 11),
    "runs of locals": lambda size: _one(b"", locals_=((1, I64),) * min(MOST_LOCALS, size // 2)),
    "locals set one by one": lambda size: _one(
        b"".join(b"\x42\x00\x21" + u(at % MOST_LOCALS) for at in range(size // 6)), locals_=((MOST_LOCALS, I64),)
    ),
    "locals without default set in blocks": _set_in_blocks,
    "locals in nested loops": lambda size: _locals_in_blocks(size, _LOOP),
    "locals in nested ifs": lambda size: _locals_in_blocks(size, _IF, _ZERO),
    "locals in nested blocks with branches": lambda size: _locals_in_blocks(size, _EMPTY, closer=_BRANCH + END),
    "locals in the innermost of nested loops": lambda size: _one(
        _LOOP * (size // 110)
        + b"".join(_increment(local) for local in range(0, min(MOST_LOCALS, size // 11 * 5), 5))
        + END * (size // 110),
        locals_=((MOST_LOCALS, I64),),
    ),
    "nested blocks": lambda size: _nested(_EMPTY, size),
    "nested loops": lambda size: _nested(_LOOP, size),
    "nested ifs": lambda size: _nested(_IF, size, _ZERO),
    "nested ifs with else": lambda size: _nested(_IF, size, _ZERO, b"\x05" + END),
    "nested try_table blocks": lambda size: _nested(b"\x1f\x40\x00", size),
    "nested blocks left open (malformed)": lambda size: _nested(_EMPTY, size, after=b"\x01"),
    "blocks in a row": lambda size: _repeated(_EMPTY + END, size),
    "loops in a row": lambda size: _repeated(_LOOP + END, size),
    "branches out of nested blocks": lambda size: _one(
        _EMPTY * (size // 8) + (_ZERO + b"\x0d" + u(size // 8 - 1)) * (size // 8) + END * (size // 8)
    ),
    "branch table to one label": lambda size: _one(_ZERO + b"\x0e" + vec([u(0)] * size) + u(0)),
    "branch table to many labels": _table_of_labels,
    "many branch tables": lambda size: _repeated(_EMPTY + _ZERO + b"\x0e\x02\x00\x00\x00" + END, size),
    "branch table of 1,000 values in dead code": _wide_table,
    "branch table of 1,000 values": _live_wide_table,
    "branches with 1,000 values": _wide_calls(_ZERO + b"\x0d\x00", b"\x02\x01\x10\x01", END),
    "calls of 1,000 values": _wide_calls(b"\x10\x00", b"\x10\x01"),
    "calls of 1,000 values in dead code": _wide_calls(b"\x10\x00", _UNREACHABLE),
    "calls that leave 1,000 values": _wide_calls(b"\x10\x01"),
    "calls of 1,000 references": _wide_calls(b"\x10\x00", _UNREACHABLE, type_=functype(b"\x70" * 1000, b"\x70" * 1000)),
    "indirect calls of 1,000 values": _wide_calls(_ZERO + b"\x11\x00\x00", b"\x10\x01"),
    "tail calls of 1,000 values in dead code": _wide_calls(b"\x12\x02", _UNREACHABLE),
    "throws of 1,000 values in dead code": _wide_calls(b"\x08\x00", _UNREACHABLE),
    "blocks of 1,000 values": _wide_calls(_BLOCK_OF_TYPE + END, b"\x10\x01"),
    "loops of 1,000 values": _wide_calls(_LOOP_OF_TYPE + END, b"\x10\x01"),
    "ifs of 1,000 values": _wide_calls(_ZERO + b"\x04\x00" + END, b"\x10\x01"),
    "nested loops of 1,000 values": lambda size: _wide_calls(
        _LOOP_OF_TYPE * (size // 3) + END * (size // 3), b"\x10\x01"
    )(1),
    "selects with a type": lambda size: _repeated(_ZERO * 3 + b"\x1c\x01\x7f" + _DROP, size),
    "catch clauses": _catches,
    "catch clauses of 1,000 values": lambda size: _catches(size, _WIDE),
    "calls in nested try_table blocks": _calls_in_tries,
    "structures of 10,000 fields": _wide_structs(b"\xfb\x01\x00" + _DROP),
    "structures of 10,000 fields in dead code": _wide_structs(b"\xfb\x00\x00" + _DROP, _UNREACHABLE),
    "arrays of given length in dead code": _wide_structs(b"\xfb\x08\x01\x90\x4e" + _DROP, _UNREACHABLE),
    "different types": lambda size: _types(lambda at: functype(_spelled(at)), size, 13),
    "equal types": lambda size: _types(lambda at: _NOTHING, size, 3),
    "types of 1,000 values": lambda size: _types(lambda at: functype(_spelled(at) * 100, _WIDE), size, 2_005),
    "group of structures": _group,
    "groups that refer to groups": _groups_of_groups,
    "chains of subtypes": _chains,
    "subtypes of 10,000 fields": _wide_subtypes,
    "elements by index": lambda size: _elements(b"\x00" * size, size, b"\x01\x00"),
    "elements by expression": lambda size: _elements(b"\xd2\x00\x0b" * (size // 3), size // 3, b"\x05\x70"),
    "element segments": lambda size: _functions(
        [body(b"")], more=(section(ELEMENT, vec([b"\x01\x00\x00"] * (size // 3))),)
    ),
    "data segments": _data,
    "exports": _exports,
    "exports of one name twice (invalid)": lambda size: _exports(size, duplicate=True),
    "imported functions": lambda size: _imports(size, b"\x00\x00"),
    "imported globals": lambda size: _imports(size, b"\x03\x7f\x00"),
    "custom sections": lambda size: module(*[custom("x")] * (size // 4)),
    "names": _names,
    "names of one function": lambda size: _names(size, same=True),
    "globals that read globals": _globals,
    "long constant expression": _constant,
    "tables": lambda size: module(section(TABLE, vec([FUNCREF + b"\x00\x00"] * min(100_000, size // 3)))),
    "tags": lambda size: module(section(TYPE, vec([_NOTHING])), section(TAG, vec([b"\x00\x00"] * (size // 2)))),
    "empty functions": lambda size: _functions([body(b"")] * (size // 4)),
    "operands that wait": _deep_stack,
    "operands that wait for blocks": lambda size: _deep_stack(size, _EMPTY + _ZERO + b"\x0d\x00" + END),
    "references to functions": _references,
    "references that wait for calls": lambda size: _functions(
        [body(b"\x20\x00" * (size // 8) + b"\x10\x00" * (size // 4) + _DROP * (size // 8), (1, b"\x6e"))]
    ),
    "different references that wait for calls": lambda size: _functions(
        [
            body(
                b"".join(b"\x41" + s(at % 60) + b"\xfb\x1c" for at in range(size // 12))
                + b"\x10\x00" * (size // 4)
                + _DROP * (size // 12)
            )
        ]
    ),
    "structures that wait for calls": lambda size: _functions(
        [body(b"\xfb\x01\x01" * (size // 10) + b"\x10\x00" * (size // 4) + _DROP * (size // 10))],
        _NOTHING,
        b"\x5f\x00",
    ),
    "locals of references set and read around calls": lambda size: _functions(
        [
            body(
                b"".join(b"\xfb\x01\x01\x21" + u(at) for at in range(size // 15))
                + b"\x10\x00" * (size // 4)
                + b"".join(b"\x20" + u(at) + _DROP for at in range(size // 15)),
                (size // 15, b"\x6b"),
            )
        ],
        _NOTHING,
        b"\x5f\x00",
    ),
    "long numbers": lambda size: _repeated(b"\x41\x80\x80\x80\x80\x00" + _DROP, size),
    "arithmetic": lambda size: _one(_increment(0, I32) * (size // 7), locals_=((1, I32),)),
}
