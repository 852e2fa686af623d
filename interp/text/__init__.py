"""The text format (specification, chapter 6): modules, functions and numbers as text, and modules from text."""

from zenowasm.interp.text.parser import parse_module

__all__ = ["parse_module"]
