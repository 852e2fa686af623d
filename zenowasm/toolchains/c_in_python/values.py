"""Values of ppci's intermediate code as expressions of the text format: operators, conversions, loads, stores.

An i32 holds an integer narrower than 32 bits as its value, sign-extended or zero-extended.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

_MASKS: Final = {"u8": 0xFF, "u16": 0xFFFF}
_SIGNED: Final = {"i8", "i16", "i32", "i64"}
_WIDTHS: Final = {"i8": 8, "u8": 8, "i16": 16, "u16": 16, "i32": 32, "u32": 32, "ptr": 32, "i64": 64, "u64": 64}
_FLOATS: Final = {"f32", "f64"}
_OPERATORS: Final[Mapping[str, str]] = {
    "+": "add", "-": "sub", "*": "mul", "/": "div", "%": "rem", "&": "and", "|": "or", "^": "xor",
    "<<": "shl", ">>": "shr", "rol": "rotl", "ror": "rotr",
}  # fmt: skip
_COMPARISONS: Final = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_BY_SIGN: Final = {"div", "rem", "shr", "lt", "le", "gt", "ge"}
"""The integer operators with separate signed and unsigned forms."""


def name(type_: Any) -> str:
    """Return the name of a ppci type."""
    return str(type_.name)


def wasm(type_: Any) -> str:
    """Return the value type that holds a ppci type; a blob is held as its address."""
    text = name(type_)
    return text if text in _FLOATS else "i64" if _WIDTHS.get(text) == 64 else "i32"


def constant(type_: Any, value: float) -> str:
    """Return a constant."""
    held = wasm(type_)
    if held in _FLOATS:
        value = float(value)
        return f"({held}.const {value.hex() if math.isfinite(value) else value})"
    return f"({held}.const {int(value) & ((1 << int(held[1:])) - 1)})"


def binary(type_: Any, operator: str, left: str, right: str) -> str:
    """Return an operation on two values of a type, with a result of that type."""
    word = _OPERATORS[operator]
    return _narrow(name(type_), f"({wasm(type_)}.{word}{_suffix(type_, word)} {left} {right})")


def unary(type_: Any, operator: str, operand: str) -> str:
    """Return the negation or the complement of a value."""
    held = wasm(type_)
    if held in _FLOATS:
        return f"({held}.neg {operand})"
    if operator == "-":
        return _narrow(name(type_), f"({held}.sub ({held}.const 0) {operand})")
    return _narrow(name(type_), f"({held}.xor {operand} ({held}.const -1))")


def comparison(type_: Any, operator: str, left: str, right: str) -> str:
    """Return a comparison of two values of a type."""
    word = _COMPARISONS[operator]
    return f"({wasm(type_)}.{word}{_suffix(type_, word)} {left} {right})"


def cast(source: Any, target: Any, operand: str) -> str:
    """Return a value converted from one type to another by the rules of C."""
    old, new = name(source), name(target)
    held, wanted = wasm(source), wasm(target)
    if old == new:
        return operand
    if held in _FLOATS:
        if wanted in _FLOATS:
            return (
                operand if held == wanted else f"({'f32.demote_f64' if new == 'f32' else 'f64.promote_f32'} {operand})"
            )
        # In C, the conversion of an out-of-range value is undefined; this form never traps, like clang's.
        return _narrow(new, f"({wanted}.trunc_sat_{held}_{_sign(new)} {operand})")
    if wanted in _FLOATS:
        return f"({wanted}.convert_{held}_{_sign(old)} {operand})"
    if held == wanted:
        return _narrow(new, operand) if new in _MASKS or _WIDTHS.get(new, 32) < 32 else operand
    if wanted == "i64":
        return f"(i64.extend_i32_{_sign(old)} {operand})"
    return _narrow(new, f"(i32.wrap_i64 {operand})")


def load(type_: Any, address: str) -> str:
    """Return an instruction that loads a value of a type."""
    text = name(type_)
    width = _WIDTHS.get(text, 0)
    form = f"i32.load{width}_{_sign(text)}" if 0 < width < 32 else f"{wasm(type_)}.load"
    return f"({form} align=1 {address})"


def store(type_: Any, address: str, value: str) -> str:
    """Return an instruction that stores a value of a type."""
    width = _WIDTHS.get(name(type_), 0)
    form = f"i32.store{width}" if 0 < width < 32 else f"{wasm(type_)}.store"
    return f"({form} align=1 {address} {value})"


def _suffix(type_: Any, word: str) -> str:
    text = name(type_)
    return f"_{_sign(text)}" if word in _BY_SIGN and text not in _FLOATS else ""


def _sign(text: str) -> str:
    return "s" if text in _SIGNED else "u"


def _narrow(text: str, value: str) -> str:
    if text in _MASKS:
        return f"(i32.and {value} (i32.const {_MASKS[text]}))"
    if text in ("i8", "i16"):
        return f"(i32.extend{text[1:]}_s {value})"
    return value
