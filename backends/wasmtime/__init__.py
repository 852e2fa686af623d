"""The engine ``wasmtime``: Cranelift's compiled code through wasmtime-py (``pip install 'zenowasm[wasmtime]'``).

``engine`` compiles, ``module`` defines the compiled module, ``store`` runs it, ``externs`` defines the objects in a
store, and ``values`` converts the values that enter and leave it. Only ``capi`` goes below wasmtime-py's public
interface. ``failures`` converts wasmtime's errors, ``callbacks`` calls Python from guests, ``ticker`` advances the
guests' clock, and ``stack`` measures the stack that they have left.
"""

from zenowasm.backends.wasmtime.engine import Engine, new_engine

__all__ = ["Engine", "new_engine"]
