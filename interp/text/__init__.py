"""The text format (specification, chapter 6): printing and parsing modules, functions and numbers."""

from zenowasm.interp.text.parser import parse_module

__all__ = ["parse_module"]
