"""The text format (specification, chapter 6): modules, functions and numbers as text."""
