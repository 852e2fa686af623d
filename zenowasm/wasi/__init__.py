"""A complete WASI preview 1 in Python: the same code runs on every engine.

``preview1`` offers the functions and ``signatures`` lists their types. Each chapter of the specification has a module:
``files``, ``folders``, ``paths``, ``clocks``, ``poll``, ``process``, ``sockets``.
"""
