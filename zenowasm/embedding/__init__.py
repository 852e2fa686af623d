"""WebAssembly from Python: modules, instances and their exports, as objects that behave like Python's own.

``module`` reads modules, ``store`` has the run-time state, and ``instance`` links the two. ``functions``, ``memory``,
``table`` and ``globals`` are the kinds of exports. ``values`` converts values between Python and guests. ``wasi`` runs
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
