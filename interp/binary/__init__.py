"""The binary format (specification, chapter 5): from bytes to syntax."""

from zenowasm.interp.binary.custom import Names, decode_names
from zenowasm.interp.binary.decoder import decode

__all__ = ["Names", "decode", "decode_names"]
