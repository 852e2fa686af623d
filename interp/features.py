"""The proposals that a module may use: each row of the instruction table names its own, a decoder receives a set."""

from __future__ import annotations

from enum import Flag, auto


class Feature(Flag):
    """A set of proposals, named as in the WebAssembly proposals repository."""

    MVP = 0
    SIGN_EXTENSION = auto()
    NONTRAPPING_CONVERSIONS = auto()
    MULTI_VALUE = auto()
    BULK_MEMORY = auto()
    REFERENCE_TYPES = auto()
    MUTABLE_GLOBALS = auto()
    SIMD = auto()
    RELAXED_SIMD = auto()
    FUNCTION_REFERENCES = auto()
    GC = auto()
    EXCEPTIONS = auto()
    TAIL_CALL = auto()
    MULTI_MEMORY = auto()
    MEMORY64 = auto()
    EXTENDED_CONST = auto()


WASM_2 = (
    Feature.SIGN_EXTENSION
    | Feature.NONTRAPPING_CONVERSIONS
    | Feature.MULTI_VALUE
    | Feature.BULK_MEMORY
    | Feature.REFERENCE_TYPES
    | Feature.MUTABLE_GLOBALS
)
"""WebAssembly 2.0 without vectors."""

WASM_3 = ~Feature.MVP
"""WebAssembly 3.0: all proposals."""
