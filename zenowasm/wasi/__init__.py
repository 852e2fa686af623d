"""WASI preview 1 in Python, all of it, the same code under every engine.

``preview1`` offers the functions, ``signatures`` is their table; each of the other chapters of the specification has a
module: ``files``, ``folders``, ``paths``, ``clocks``, ``poll``, ``process``, ``sockets``.
"""
