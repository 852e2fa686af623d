"""Validation (specification, chapter 3 and the algorithm of its appendix)."""

from zenowasm.interp.validation.context import Context
from zenowasm.interp.validation.function import Consumer, FunctionValidator, Label, validate_function
from zenowasm.interp.validation.module import ValidModule, validate_lazily, validate_module, validate_structure
from zenowasm.interp.validation.operands import Operands, operands_of

__all__ = [
    "Consumer",
    "Context",
    "FunctionValidator",
    "Label",
    "Operands",
    "ValidModule",
    "operands_of",
    "validate_function",
    "validate_lazily",
    "validate_module",
    "validate_structure",
]
