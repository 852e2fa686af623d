"""The computations that every engine runs: modules with one export, ``run``, from a size to a result."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from attrs import field, frozen

from zenowasm.bench.engines import quickjs
from zenowasm.bench.engines.protocol import Engine, Running, RunsQuickJs
from zenowasm.bench.errors import RefusedError

_FOLDER: Final = Path(__file__).parent / "workloads"


def _steps(size: int) -> tuple[int, ...]:
    """Return four sizes that end with this one, or begin with it if it is too small to be divided."""
    if size < 8:
        return (size, 2 * size, 3 * size, 4 * size)
    if size < 16:
        return (size // 4, size // 2, 3 * size // 4, size)
    return (size // 8, size // 4, size // 2, size)


def _steps_of_fib(largest: int) -> tuple[int, ...]:
    return (largest - 6, largest - 4, largest - 2, largest)


def _calls_of_fib(number: int) -> float:
    """Return the number of calls in Fibonacci's recursion."""
    one, other = 1, 1
    for _ in range(number):
        one, other = other, one + other
    return 2 * one - 1


@frozen
class Kernel:
    """A workload. Interpreters in Python run it at the size ``small``, all other engines at ``large``.

    ``answers`` are known results by size; ``bits`` is the width of a result. ``size_of`` returns the input size for an
    argument, in units of ``counted``. Growth is measured at the arguments that ``steps`` returns.
    """

    name: str
    summary: str
    small: int
    large: int
    answers: dict[int, int]
    counted: str = "n"
    bits: int = 64
    steps: Callable[[int], tuple[int, ...]] = _steps
    size_of: Callable[[int], float] = field(default=float)

    @property
    def binary(self) -> bytes:
        """The module."""
        return (_FOLDER / f"{self.name}.wasm").read_bytes()

    def load(self, engine: Engine, stack: ExitStack) -> Running:
        """Instantiate the module; raises ``RefusedError`` if the engine cannot run it."""
        return engine.instantiate(engine.compile(self.binary), stack)

    def missing(self) -> str:
        """Return the command that installs the workload's dependency, empty if it is installed."""
        return ""


@frozen
class JavaScript(Kernel):
    """A program in QuickJS, which needs an engine with WASI."""

    @property
    def binary(self) -> bytes:
        """QuickJS itself."""
        return quickjs.module() or b""

    def load(self, engine: Engine, stack: ExitStack) -> Running:
        """Instantiate QuickJS."""
        if not isinstance(engine, RunsQuickJs):
            raise RefusedError("it has no WASI, or none that this harness knows")
        return engine.load_quickjs(self.binary, stack)

    def missing(self) -> str:
        """Return the command that installs QuickJS, empty if it is installed."""
        return "" if self.binary else quickjs.INSTALL


KERNELS: Final = (
    Kernel("loop", "an empty loop", 10_000, 5_000_000, {10_000: 0, 5_000_000: 0}, "turns", 32),
    Kernel(
        "fib", "calls and returns", 14, 28, {14: 377, 28: 317_811}, "calls", 32, _steps_of_fib, size_of=_calls_of_fib
    ),
    Kernel("sieve", "bytes of memory", 2_000, 1_000_000, {2_000: 303, 1_000_000: 78_498}, "numbers", 32),
    Kernel("hash", "i64 arithmetic", 1_500, 2_000_000, {15_000: 0x2236F8722485792A}, "bytes"),
    Kernel("mandelbrot", "f64 arithmetic", 8, 192, {24: 10_264}, "points a side", 32),
    Kernel("dispatch", "indirect calls", 1_500, 500_000, {15_000: 0xB4BFB87C}, "operations", 32),
    Kernel("integer", "lists, matrices, state machine, CRC", 1, 500, {}, "turns", 32),
    Kernel("json", "a parser by recursive descent", 8, 4_000, {}, "records"),
    Kernel("regex", "a matcher by backtracking", 80, 40_000, {}, "letters"),
    Kernel("nbody", "f64 divisions and square roots", 24, 20_000, {}, "steps"),
    Kernel("dot", "SIMD, f32x4", 3, 20_000, {}, "products", 32),
)
QUICKJS: Final = JavaScript("quickjs", "a JavaScript loop in QuickJS", 400, 20_000, {}, "turns")
CALL_IN: Final = Kernel("call_in", "one call into a guest", 1, 1, {1: 1}, "", 32)
CALL_OUT: Final = Kernel("call_out", "calls out of a guest", 200, 2_000, {200: 200, 2_000: 2_000}, "calls", 32)
