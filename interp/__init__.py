"""The engine: a WebAssembly decoder, validator and interpreter in pure Python, exact to the specification.

Data goes one way: bytes (``binary``), module (``syntax``), validated module (``validation``), instance
(``runtime``), call (``execution``). Nothing here does input or output; ``attrs`` is the only third-party import.
"""
