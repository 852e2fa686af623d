"""ZenoLang's values and their operations: text, truth, order, arithmetic, JSON.

A value is nil, true or false, an integer (exact), a float (finite), a text, a list or a map with text keys:
None, bool, int, float, str, list and dict. Values are never changed in place, so they may be shared.
Every function here raises OperationError for a value that it does not support.
"""

from __future__ import annotations

import json
import math
import re
from typing import TypeGuard

from zenowasm.zenolang.errors import NestingError, OperationError, SizeLimitError
from zenowasm.zenolang.limits import ScriptLimits

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "int": (int,),
    "float": (float, int),
    "decimal": (float, int),
    "bool": (bool,),
    "list": (list,),
    "map": (dict,),
}

# From here on, not all digits of a float are significant, and Go and JavaScript write an exponent.
_LARGEST_PLAIN_FLOAT = 1e21
_NUMBER = re.compile(r"[+-]?\d{1,1000}(\.\d{1,1000})?")


def type_name(value: object) -> str:
    """Return the name of the value's type for error messages."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "bool"
    return next((name for name, types in TYPES.items() if isinstance(value, types)), type(value).__name__)


def has_type(value: object, name: str) -> bool:
    """Return whether the value has a declared type: a key of TYPES, or `any`; nil has only `any`."""
    if name == "any":
        return True
    if name not in TYPES:
        raise OperationError(f"unknown type `{name}`", hint="known: any, " + ", ".join(TYPES))
    return isinstance(value, TYPES[name]) and (name == "bool" or not isinstance(value, bool))


def is_number(value: object) -> TypeGuard[int | float]:
    """Return whether the value is a number: an int or a float, but not a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def text(value: object) -> str:
    """Return the value as a script prints it: nil is empty, lists and maps are JSON, 10.0 is 10."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(_plain(value))
    if isinstance(value, list | dict):
        return to_json(value)
    return str(value)


def truthy(value: object) -> bool:
    """Return whether a condition is true; false, nil, 0, an empty value, "0" and "false" are not.

    The last two follow the original, because values from the environment or a form are texts.
    """
    return bool(value) and value not in ("0", "false")


def missing(value: object) -> bool:
    """Return whether `??` continues with the next operand: for nil and, as in the original, for empty text."""
    return value is None or value == ""


def equal(left: object, right: object) -> bool:
    """Evaluate `==`: compare numbers by value, and a text with a number or a bool by its printed form."""
    if isinstance(left, str) and isinstance(right, bool | int | float):
        return left == text(right)
    if isinstance(right, str) and isinstance(left, bool | int | float):
        return right == text(left)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    return left == right


def ordered(operator: str, left: object, right: object) -> bool:
    """Evaluate `<`, `<=`, `>`, `>=`: compare two texts by characters, otherwise numbers or texts that spell numbers."""
    if isinstance(left, str) and isinstance(right, str):
        return _in_order(operator, left, right)
    one, other = _as_number(left), _as_number(right)
    if one is None or other is None:
        raise OperationError(f"cannot order {type_name(left)} and {type_name(right)} with `{operator}`")
    return _in_order(operator, one, other)


def calculate(operator: str, left: object, right: object) -> object:
    """Evaluate `+ - * / %`. `+` also works on texts and lists. Integers remain exact, even in an exact division."""
    if operator == "+":
        if isinstance(left, str) or isinstance(right, str):
            return text(left) + text(right)
        if isinstance(left, list) and isinstance(right, list):
            return left + right
    if not is_number(left) or not is_number(right):
        raise OperationError(
            f"`{operator}` needs numbers, not {type_name(left)} and {type_name(right)}",
            hint="json.parse makes a number from text",
        )
    try:
        result = _arithmetic(operator, left, right)
    except ZeroDivisionError:
        raise OperationError("division by zero") from None
    except OverflowError:
        raise OperationError(f"the result of `{operator}` is too large") from None
    if isinstance(result, float) and not math.isfinite(result):
        raise OperationError(f"the result of `{operator}` is too large")
    return result


def negate(value: object) -> int | float:
    """Evaluate unary minus."""
    if not is_number(value):
        raise OperationError(f"`-` needs a number, not {type_name(value)}")
    return -value


def look_up(value: object, key: object) -> object:
    """Evaluate one step of a path: return the map's entry or the list's item, nil if there is none."""
    if isinstance(value, dict):
        return value.get(text(key))
    if isinstance(value, list):
        number = text(key)
        if number.isdecimal() and len(number) < 20 and int(number) < len(value):
            return value[int(number)]
    return None


def to_json(value: object) -> str:
    """Return the value as compact JSON, with keys in order and 10.0 as 10; the inverse of from_json."""
    try:
        return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise OperationError(f"the value has no JSON form: {error}") from error


def from_json(source: str) -> object:
    """Parse JSON. Integers remain exact; raises OperationError for JSON that is not a value of the language."""
    try:
        value: object = json.loads(source, parse_constant=_no_constant, parse_float=_finite)
        if "\\u" in source:
            # JSON can contain an unpaired surrogate, which is not a valid text.
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise OperationError("invalid JSON: it has an unpaired surrogate") from error
    except json.JSONDecodeError as error:
        raise OperationError(f"invalid JSON: {error}") from error
    except ValueError as error:  # too many digits for Python, whose message names a Python setting
        raise OperationError("invalid JSON: a number is too large") from error
    except RecursionError:
        raise OperationError("invalid JSON: nested too deeply") from None
    return value


def measure(value: object, limits: ScriptLimits) -> int:
    """Check a value against the limits and return the number of values in it, counting shared ones at each occurrence.

    Raises SizeLimitError or NestingError.
    """
    count = size = 0
    pending = [(value, 0)]
    while pending:
        item, depth = pending.pop()
        count += 1
        size += 1 + _own_size(item)
        if size > limits.value_size:
            raise SizeLimitError(f"a value is larger than {limits.value_size} characters and items")
        if isinstance(item, int) and item.bit_length() > limits.integer_bits:
            raise SizeLimitError(f"an integer has more than {limits.integer_bits} bits")
        if isinstance(item, list | dict):
            if depth == limits.value_nesting:
                raise NestingError(f"a value is nested more than {limits.value_nesting} deep")
            inside = item.values() if isinstance(item, dict) else item
            pending.extend((inner, depth + 1) for inner in inside)
    return count


def _own_size(value: object) -> int:
    """Return the number of characters or items directly in a value."""
    if isinstance(value, dict):
        return sum(1 + len(key) for key in value)
    return len(value) if isinstance(value, str | list) else 0


def _in_order(operator: str, left: int | float | str, right: int | float | str) -> bool:
    # The caller ensures that both are texts or both are numbers.
    below, same = left < right, left == right  # type: ignore[operator]
    return {"<": below, "<=": below or same, ">": not below and not same, ">=": not below}[operator]


def _as_number(value: object) -> int | float | None:
    if is_number(value):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value) if "." in value else int(value)
    return None


def _arithmetic(operator: str, left: int | float, right: int | float) -> int | float:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            if isinstance(left, int) and isinstance(right, int) and left % right == 0:
                return left // right
            return left / right
        case "%":
            # The sign follows the left operand, as in Go.
            if isinstance(left, int) and isinstance(right, int):
                return left - right * _quotient(left, right)
            return math.fmod(left, right) if right else left % right
    raise OperationError(f"unknown operator `{operator}`")


def _quotient(left: int, right: int) -> int:
    """Divide integers, rounding towards zero."""
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _plain(value: object) -> object:
    """Return the value with every integral float replaced by an integer."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _LARGEST_PLAIN_FLOAT else value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _no_constant(name: str) -> object:
    raise OperationError(f"invalid JSON: {name} is not a JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise OperationError("invalid JSON: a number is too large")
    return number
