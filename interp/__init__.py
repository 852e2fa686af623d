"""The engine: a WebAssembly decoder, validator and interpreter in pure Python, exact to the specification.

Data flows in one direction: bytes (``binary``), module (``syntax``), validated module (``validation``), instance
(``runtime``), call (``execution``). The engine does no input or output, and ``attrs`` is its only third-party import.
"""
