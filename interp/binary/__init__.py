"""The binary format (specification, chapter 5): decoding bytes to syntax, and encoding syntax to bytes."""

from zenowasm.interp.binary.custom import Names, decode_names, encode_names
from zenowasm.interp.binary.decoder import decode
from zenowasm.interp.binary.encoder import encode

__all__ = ["Names", "decode", "decode_names", "encode", "encode_names"]
