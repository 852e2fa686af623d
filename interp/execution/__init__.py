"""Execution (specification, 4.4 to 4.7): an interpreter with explicit frames that can stop before any instruction."""

from zenowasm.interp.execution.configuration import Configuration, Frame
from zenowasm.interp.execution.interpreter import PausedCall, evaluate, invoke, new_store, resume

__all__ = ["Configuration", "Frame", "PausedCall", "evaluate", "invoke", "new_store", "resume"]
