"""WebAssembly from Python: modules, instances and what they export, as objects that behave like Python's own.

``module`` reads modules, ``store`` holds what runs, ``instance`` links the two. What an instance exports is in
``functions``, ``memory``, ``table`` and ``globals``; ``values`` says what becomes of values on the way. ``wasi`` runs
programs. The names are public in ``zenowasm`` itself.
"""

from zenowasm.embedding.functions import Caller, Function, pass_caller
from zenowasm.embedding.globals import Global
from zenowasm.embedding.importer import wasm_imports
from zenowasm.embedding.instance import Exports, Instance
from zenowasm.embedding.memory import Memory
from zenowasm.embedding.module import Module
from zenowasm.embedding.steps import Step, Steps
from zenowasm.embedding.store import Store
from zenowasm.embedding.table import Table
from zenowasm.embedding.tags import GuestException, Tag
from zenowasm.embedding.values import Aggregate
from zenowasm.embedding.wasi import Wasi

__all__ = [
    "Aggregate",
    "Caller",
    "Exports",
    "Function",
    "Global",
    "GuestException",
    "Instance",
    "Memory",
    "Module",
    "Step",
    "Steps",
    "Store",
    "Table",
    "Tag",
    "Wasi",
    "pass_caller",
    "wasm_imports",
]
