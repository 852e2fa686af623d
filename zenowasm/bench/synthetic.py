"""Synthetic modules of any size."""

from __future__ import annotations

from typing import Final

# local.get 0, i32.const 7, i32.add, local.tee 0, i32.const 3, i32.xor, local.set 0: all on one i32.
_BODY: Final = b"\0" + bytes.fromhex("2000 4107 6a 2200 4103 73 2100") * 58 + b"\x20\0\x0b"


def module(size: int) -> bytes:
    """Return a module of about ``size`` bytes: functions of 700 bytes, of which ``run`` exports the first."""
    functions = max(1, size // (len(_BODY) + 3))
    sections = [
        (1, b"\x01\x60\x01\x7f\x01\x7f"),
        (3, _leb(functions) + b"\0" * functions),
        (7, b"\x01\x03run\x00\x00"),
        (10, _leb(functions) + (_leb(len(_BODY)) + _BODY) * functions),
    ]
    return b"\0asm\1\0\0\0" + b"".join(bytes([number]) + _leb(len(it)) + it for number, it in sections)


def _leb(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
