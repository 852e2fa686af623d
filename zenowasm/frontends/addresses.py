"""Addresses of code and memory for clients that know only numbers of 64 bits and compute with them.

Bit 62 says that an address is code, bits 32 to 61 number the module, and the rest is the offset of the instruction in
the module or the address in the memory. LLDB numbers WebAssembly code in the same way.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

_CODE: Final = 1 << 62
_NUMBER: Final = 32
_OFFSET: Final = (1 << _NUMBER) - 1


@frozen
class Address:
    """An address: the number of a module, and an offset in its code or in its memory."""

    is_code: bool
    module: int
    offset: int

    @classmethod
    def of(cls, number: int) -> Address:
        """Return the parts of an address."""
        return cls(bool(number & _CODE), (number & ~_CODE) >> _NUMBER, number & _OFFSET)

    def __int__(self) -> int:
        return (_CODE if self.is_code else 0) | self.module << _NUMBER | self.offset & _OFFSET
