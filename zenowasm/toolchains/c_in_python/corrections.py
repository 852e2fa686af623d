"""Corrections of ppci's C frontend where it departs from C and gives programs another meaning without an error.

Each method names the rule of C99 that it restores. The base classes have no type annotations, and are imported only
when C is compiled.
"""

from __future__ import annotations

from typing import Any

from ppci import ir
from ppci.lang.c.codegenerator import CCodeGenerator
from ppci.lang.c.nodes import declarations, expressions, types
from ppci.lang.c.semantics import CSemantics

_Basic = types.BasicType
_COMPOUND = frozenset({"+=", "-=", "*=", "/=", "%="})


class Semantics(CSemantics):  # type: ignore[misc]
    """The types of expressions."""

    def get_common_type(self, typ1: Any, typ2: Any, location: Any) -> Any:
        """Return the type to which an operator's operands are converted: at least int (6.3.1.8)."""
        typ1, typ2 = self._promoted(typ1), self._promoted(typ2)
        if {getattr(typ1, "type_id", None), getattr(typ2, "type_id", None)} == {_Basic.UINT, _Basic.LONG}:
            self.error("cast one operand: one is long and one is unsigned int", location)
        return super().get_common_type(typ1, typ2, location)

    def on_unop(self, op: str, a: Any, location: Any) -> Any:
        """Promote the operand of +, - and ~ (6.5.3.3)."""
        if op in ("+", "-", "~"):
            a = self.pointer(a)
            a = self.coerce(a, self._promoted(a.typ))
        return super().on_unop(op, a, location)

    def on_binop(self, lhs: Any, op: str, rhs: Any, location: Any) -> Any:
        """Use the type of the left operand for a shift (6.5.7); compute ``a op= b`` as ``a = a op b`` (6.5.16.2)."""
        if op in ("<<", ">>"):
            lhs = self.pointer(lhs)
            rhs = self.pointer(rhs)
            wanted = self._promoted(lhs.typ)
            lhs, rhs = self.coerce(lhs, wanted), self.coerce(rhs, wanted)
            return expressions.BinaryOperator(lhs, op, rhs, wanted, False, location)
        if op in _COMPOUND and isinstance(lhs.typ, _Basic):
            rhs = self.pointer(rhs)
            common = self.get_common_type(lhs.typ, rhs.typ, location)
            if self._differs(lhs.typ, op, common):
                # ppci converts b to the type of a first, so the operation must be written out. This evaluates a twice,
                # which is equivalent only for a variable.

                if not isinstance(lhs, expressions.VariableAccess):
                    self.error(f"write `a = a {op[0]} b` here: the operands of {op} have different types", location)
                value = self.on_binop(lhs, op[0], rhs, location)
                return super().on_binop(lhs, "=", value, location)
        return super().on_binop(lhs, op, rhs, location)

    def _differs(self, typ: Any, op: str, common: Any) -> bool:
        """Return whether computing in ``typ`` and in ``common`` can give different results in ``typ``."""
        if common.type_id == typ.type_id:
            return False
        # Modulo a power of 2, sums and products can be narrowed first; quotients and fractions cannot.
        return op in ("/=", "%=") or common.type_id in _Basic.FLOAT_TYPES

    def _promoted(self, typ: Any) -> Any:
        """Return int for enumerations and for narrower integers (6.3.1.1)."""
        narrow = isinstance(typ, _Basic) and typ.type_id in _Basic.PROMOTABLE_INTEGER_TYPES
        return self.int_type if narrow or isinstance(typ, types.EnumType) else typ


class CodeGenerator(CCodeGenerator):  # type: ignore[misc]
    """The code generation of statement blocks, and of members of a function's result."""

    def gen_field_select(self, expr: Any) -> Any:
        """Select a member of a structure that a function returns (6.5.2.3)."""
        if not isinstance(expr.base, expressions.FunctionCall):
            return super().gen_field_select(expr)
        structure = self.gen_expr(expr.base, rvalue=False)
        address = self.emit(ir.AddressOf(structure, "structure"))
        offset = self.context.get_field_offsets(expr.base.typ)[1][expr.field]
        if expr.field.is_bitfield:
            self.error("put the structure into a variable before its bit field is taken", expr.location)
        return self.builder.emit_add(address, offset // 8, ir.ptr)

    def gen_for(self, stmt: Any) -> None:
        """Make ``continue`` run the third expression of a ``for`` (6.8.6.2)."""
        condition, body, step, done = (self.builder.new_block() for _ in range(4))
        if stmt.init:
            if isinstance(stmt.init, declarations.VariableDeclaration):
                self.gen_local_variable(stmt.init)
            else:
                self.gen_expr(stmt.init, rvalue=True)
        self.break_block_stack.append(done)
        self.continue_block_stack.append(step)
        self.builder.emit_jump(condition)
        self.builder.set_block(condition)
        if stmt.condition:
            self.gen_condition(stmt.condition, body, done)
        else:
            self.builder.emit_jump(body)
        self.builder.set_block(body)
        self.gen_stmt(stmt.body)
        self.builder.emit_jump(step)
        self.builder.set_block(step)
        if stmt.post:
            self.gen_expr(stmt.post, rvalue=True)
        self.builder.emit_jump(condition)
        self.builder.set_block(done)
        self.break_block_stack.pop()
        self.continue_block_stack.pop()

    def gen_do_while(self, stmt: Any) -> None:
        """Make ``continue`` test the condition of a ``do`` (6.8.6.2)."""
        body, test, done = (self.builder.new_block() for _ in range(3))
        self.break_block_stack.append(done)
        self.continue_block_stack.append(test)
        self.builder.emit_jump(body)
        self.builder.set_block(body)
        self.gen_stmt(stmt.body)
        self.builder.emit_jump(test)
        self.builder.set_block(test)
        self.gen_condition(stmt.condition, body, done)
        self.builder.set_block(done)
        self.break_block_stack.pop()
        self.continue_block_stack.pop()
