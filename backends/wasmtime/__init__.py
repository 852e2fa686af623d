"""The engine ``wasmtime``: Cranelift's compiled code through wasmtime-py (``pip install 'zenowasm[wasmtime]'``).

``engine`` compiles, ``module`` is what comes of it, ``store`` runs, ``externs`` are what lives in a store, ``values``
pass in and out of it, ``capi`` is the one place that goes below wasmtime-py's public interface, ``failures`` turns
wasmtime's errors into this project's, ``callbacks`` lead from guests into Python, ``ticker`` moves their clock, and
``stack`` tells how much stack they have.
"""

from zenowasm.backends.wasmtime.engine import Engine, new_engine

__all__ = ["Engine", "new_engine"]
