"""Debugging information (DWARF 4 and 5): source lines, functions and variables of compiled modules.

``sections`` finds it in a module, ``lines``, ``types`` and ``expressions`` read its parts, ``values`` reads and formats
variables, and ``info`` is the interface for debuggers. The package reads modules and is independent of how they run.
Every module except ``errors`` needs pyelftools (extra ``debug``), so this file imports nothing.
"""
