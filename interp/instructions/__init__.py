"""The instruction table: one row per instruction. Decoder, validator, interpreter, printer and tests all use it."""

from __future__ import annotations

from zenowasm.interp.instructions import core, reference, vector
from zenowasm.interp.instructions.table import Access, Effect, Immediate, Opcode, Structure, Table, VectorForm

__all__ = ["TABLE", "Access", "Effect", "Immediate", "Opcode", "Structure", "Table", "VectorForm"]

TABLE = Table((*core.rows(), *reference.rows(), *vector.rows()))
"""The instructions that this runtime supports."""
