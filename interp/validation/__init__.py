"""Validation (specification, chapter 3 and its appendix on the validation algorithm)."""

from zenowasm.interp.validation.context import Context
from zenowasm.interp.validation.function import Consumer, FunctionValidator, Label, validate_function
from zenowasm.interp.validation.module import (
    ValidModule,
    errors_of,
    validate_lazily,
    validate_module,
    validate_structure,
)
from zenowasm.interp.validation.operands import Arity, Operands, arities_of, operands_of

__all__ = [
    "Arity",
    "Consumer",
    "Context",
    "FunctionValidator",
    "Label",
    "Operands",
    "ValidModule",
    "arities_of",
    "errors_of",
    "operands_of",
    "validate_function",
    "validate_lazily",
    "validate_module",
    "validate_structure",
]
