"""Debugging information (DWARF 4 and 5): source lines, functions and variables of what a compiler made.

``sections`` finds it in a module, ``lines``, ``types`` and ``expressions`` read its parts, ``values`` reads and shows
variables, and ``info`` is what debuggers ask. It reads modules and knows nothing of how they run. All but ``errors``
needs pyelftools (extra ``debug``), so nothing is imported here.
"""
