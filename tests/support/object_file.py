"""An object file as a C compiler makes it: a call of an imported function, with its relocations."""

from __future__ import annotations

from support.wasm import CODE, FUNCTION, IMPORT, TYPE, body, custom, functype, module, name, section, u, vec

CALL = b"\x10\x80\x80\x80\x80\x00"
SYMBOLS = vec(
    [
        b"\x00" + u(0x10) + u(0),  # the imported function, named as it is
        b"\x00" + u(0) + u(1) + name("caller"),
        b"\x01" + u(0) + name("greeting") + u(0) + u(0) + u(5),
        b"\x01" + u(0x10) + name("elsewhere"),
        b"\x03" + u(0) + u(3),
    ]
)
LINKING = u(2) + b"\x08" + u(len(SYMBOLS)) + SYMBOLS
RELOCATIONS = u(3) + vec(
    [
        b"\x00" + u(4) + u(0),
        b"\x03" + u(10) + u(2) + b"\x7c",
        b"\x06" + u(16) + u(0),
    ]
)


def object_file(linking: bytes = LINKING, relocations: bytes = RELOCATIONS) -> bytes:
    return module(
        section(TYPE, vec([functype()])),
        section(IMPORT, vec([name("env") + name("callee") + b"\0" + u(0)])),
        section(FUNCTION, vec([u(0)])),
        section(CODE, vec([body(CALL)])),
        custom("linking", linking),
        custom("reloc.CODE", relocations),
    )
