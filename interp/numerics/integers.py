"""Integer operators (specification, 4.3.2): the same definitions for every width.

Integers are unsigned, 0 <= value < 2**bits; operators that interpret them as signed have the suffix ``_s``.
"""

from __future__ import annotations

from collections.abc import Callable

from zenowasm.interp.errors import Trap, TrapCode


def signed(value: int, bits: int) -> int:
    """Interpret an unsigned integer of that width as two's complement (specification, 4.3.1)."""
    return value - (1 << bits) if value >> (bits - 1) else value


def integer_operators(bits: int) -> dict[str, Callable[..., int]]:
    """Return the operators for integers of ``bits`` bits (8, 16, 32 or 64) by their names in the specification."""
    mask = (1 << bits) - 1
    sign = 1 << (bits - 1)
    modulus = 1 << bits

    def add(a: int, b: int) -> int:
        return (a + b) & mask

    def sub(a: int, b: int) -> int:
        return (a - b) & mask

    def mul(a: int, b: int) -> int:
        return (a * b) & mask

    def div_s(a: int, b: int) -> int:
        if b == 0:
            raise Trap(TrapCode.INTEGER_DIVIDE_BY_ZERO)
        dividend = a - modulus if a & sign else a
        divisor = b - modulus if b & sign else b
        quotient = abs(dividend) // abs(divisor)
        if (dividend < 0) != (divisor < 0):
            return -quotient & mask
        if quotient == sign:
            raise Trap(TrapCode.INTEGER_OVERFLOW)
        return quotient

    def div_u(a: int, b: int) -> int:
        if b == 0:
            raise Trap(TrapCode.INTEGER_DIVIDE_BY_ZERO)
        return a // b

    def rem_s(a: int, b: int) -> int:
        if b == 0:
            raise Trap(TrapCode.INTEGER_DIVIDE_BY_ZERO)
        dividend = a - modulus if a & sign else a
        divisor = b - modulus if b & sign else b
        remainder = abs(dividend) % abs(divisor)
        return -remainder & mask if dividend < 0 else remainder

    def rem_u(a: int, b: int) -> int:
        if b == 0:
            raise Trap(TrapCode.INTEGER_DIVIDE_BY_ZERO)
        return a % b

    def and_(a: int, b: int) -> int:
        return a & b

    def or_(a: int, b: int) -> int:
        return a | b

    def xor(a: int, b: int) -> int:
        return a ^ b

    def shl(a: int, b: int) -> int:
        return (a << b % bits) & mask

    def shr_s(a: int, b: int) -> int:
        return ((a - modulus if a & sign else a) >> b % bits) & mask

    def shr_u(a: int, b: int) -> int:
        return a >> b % bits

    def rotl(a: int, b: int) -> int:
        b %= bits
        return (a << b | a >> (bits - b)) & mask

    def rotr(a: int, b: int) -> int:
        b %= bits
        return (a >> b | a << (bits - b)) & mask

    def clz(a: int) -> int:
        return bits - a.bit_length()

    def ctz(a: int) -> int:
        return (a & -a).bit_length() - 1 if a else bits

    def popcnt(a: int) -> int:
        return a.bit_count()

    def eqz(a: int) -> int:
        return 0 if a else 1

    def eq(a: int, b: int) -> int:
        return 1 if a == b else 0

    def ne(a: int, b: int) -> int:
        return 1 if a != b else 0

    # Flipping the sign bit maps the signed order onto the unsigned one.
    def lt_s(a: int, b: int) -> int:
        return 1 if a ^ sign < b ^ sign else 0

    def gt_s(a: int, b: int) -> int:
        return 1 if a ^ sign > b ^ sign else 0

    def le_s(a: int, b: int) -> int:
        return 1 if a ^ sign <= b ^ sign else 0

    def ge_s(a: int, b: int) -> int:
        return 1 if a ^ sign >= b ^ sign else 0

    def lt_u(a: int, b: int) -> int:
        return 1 if a < b else 0

    def gt_u(a: int, b: int) -> int:
        return 1 if a > b else 0

    def le_u(a: int, b: int) -> int:
        return 1 if a <= b else 0

    def ge_u(a: int, b: int) -> int:
        return 1 if a >= b else 0

    def extend8_s(a: int) -> int:
        return signed(a & 0xFF, 8) & mask

    def extend16_s(a: int) -> int:
        return signed(a & 0xFFFF, 16) & mask

    def extend32_s(a: int) -> int:
        return signed(a & 0xFFFFFFFF, 32) & mask

    arithmetic = (add, sub, mul, div_s, div_u, rem_s, rem_u, and_, or_, xor, shl, shr_s, shr_u, rotl, rotr)
    tests = (eqz, eq, ne, lt_s, lt_u, gt_s, gt_u, le_s, le_u, ge_s, ge_u)
    unary = (clz, ctz, popcnt, extend8_s, extend16_s, extend32_s)
    return {function.__name__.rstrip("_"): function for function in arithmetic + tests + unary}
