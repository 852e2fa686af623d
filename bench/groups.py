"""What is measured: groups of cases that are compared with one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from attrs import frozen
from engines import Ours, decoders, installed, validators
from measure import Case

from zenowasm.plugin import Host, HostEnvironment

_HERE = Path(__file__).parent
_PLUGINS = _HERE.parent / "examples" / "plugins"

# Arguments small enough for the slowest engine; results to make sure that all engines do the same work.
KERNELS: Mapping[str, tuple[int, int]] = {
    "loop": (100_000, 0),
    "fib": (18, 2584),
    "sieve": (20_000, 2262),
    "hash": (15_000, 0x2236F8722485792A),
    "mandelbrot": (24, 10_264),
    "dispatch": (15_000, 0xB4BFB87C),
}


class DisagreementError(Exception):
    """An engine computed something else than it should: its speed means nothing."""


@frozen
class Group:
    """A named group: ``unit`` is what rates are in, ``open`` makes the cases, which live as long as the stack."""

    name: str
    unit: str
    open: Callable[[ExitStack], list[Case]]


def groups() -> Iterator[Group]:
    """Yield all groups that can be measured here."""
    for kernel in KERNELS:
        yield Group(kernel, "M instr/s", partial(_kernel, kernel))
    yield Group("slot", "calls/s", _slot)
    for name, binary in _modules():
        size = len(binary) / 1e6
        yield Group(f"decode {name}", "MB/s", partial(_over, decoders, binary, size))
        yield Group(f"validate {name}", "MB/s", partial(_over, validators, binary, size))


def _kernel(name: str, stack: ExitStack) -> list[Case]:
    binary = (_HERE / "workloads" / f"{name}.wasm").read_bytes()
    argument, expected = KERNELS[name]
    work = Ours("reference").fuel(binary, argument) / 1e6
    cases = []
    for engine in installed():
        run = engine.load(binary)
        # pwasm's integers are signed.
        found = run(argument) & (0xFFFFFFFF if expected <= 0xFFFFFFFF else 0xFFFFFFFFFFFFFFFF)
        if found != expected:
            raise DisagreementError(f"{engine.name}: {name}({argument}) is {found:#x}, expected {expected:#x}")
        cases.append(Case(engine.name, partial(run, argument), work))
    return cases


def _slot(stack: ExitStack) -> list[Case]:
    """Call a slot of a plugin that is loaded and has been called before."""
    cases = []
    for engine in installed():
        if not isinstance(engine, Ours):
            continue
        host = stack.enter_context(
            Host(_PLUGINS, backend=engine.name, environment=HostEnvironment({}), log=lambda record: None)
        )
        call = partial(host.call, "hello.greet", {"name": "World"})
        if not call():
            raise DisagreementError(f"{engine.name}: hello.greet does not answer")
        cases.append(Case(engine.name, call, 1))
    return cases


def _over(
    functions: Callable[[], Mapping[str, Callable[[bytes], object]]], binary: bytes, size: float, stack: ExitStack
) -> list[Case]:
    return [Case(label, partial(function, binary), size) for label, function in functions().items()]


def _modules() -> Iterator[tuple[str, bytes]]:
    yield "synthetic", synthetic(4_000)
    # A real program, where the peer that carries it is installed.
    if find_spec("pwasm"):
        yield "quickjs", (files("pwasm") / "guests" / "quickjs.wasm").read_bytes()


def synthetic(functions: int) -> bytes:
    """Return a module with so many functions of 700 bytes: what it takes to find and to check bodies."""
    # local.get 0, i32.const 7, i32.add, local.tee 0, i32.const 3, i32.xor, local.set 0: all on one i32.
    body = b"\0" + bytes.fromhex("2000 4107 6a 2200 4103 73 2100") * 58 + b"\x20\0\x0b"
    sections = [
        (1, b"\x01\x60\x01\x7f\x01\x7f"),
        (3, _leb(functions) + b"\0" * functions),
        (10, _leb(functions) + (_leb(len(body)) + body) * functions),
    ]
    return b"\0asm\1\0\0\0" + b"".join(bytes([number]) + _leb(len(it)) + it for number, it in sections)


def _leb(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
