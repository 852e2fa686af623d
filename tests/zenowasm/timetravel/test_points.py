"""At a time, the state is the same whichever way one came: in one run forwards, by a journey, or by a step back."""

from __future__ import annotations

import os
from importlib.metadata import files
from pathlib import Path
from random import Random
from shutil import copytree

import pytest
from attrs import define, field
from support.toolchains import need

from zenowasm import Host
from zenowasm.backends import registry
from zenowasm.debugger import DebuggerQuit, Reason, Resume
from zenowasm.debugger.stepping import Action
from zenowasm.host.linker import Linker
from zenowasm.interp.events import Paused
from zenowasm.recordings.recorder import Recorder
from zenowasm.timetravel import HistoryLimits, Time, TimeMachine
from zenowasm.timetravel.searches import Search
from zenowasm.toolchains.build import build_plugin
from zenowasm.toolchains.languages import LANGUAGES
from zenowasm.toolchains.templates import new_plugin
from zenowasm.wasi.context import LineBuffer, WasiContext
from zenowasm.wasi.preview1 import Preview1

ROOT = Path(__file__).parents[3]
IS_CAMPAIGN = "ZENOWASM_CAMPAIGN" in os.environ
POINTS = 10_000 if IS_CAMPAIGN else 60
STEPPED = 300
"""The fuel before a point from which the forward run takes single steps."""


def hello(path: Path) -> None:
    copytree(ROOT / "examples" / "plugins" / "hello", path.parent / "plugins" / "hello")
    with Host(path.parent / "plugins", backend="wasmtime", record=path) as host:
        for name in ("World", "Ada", "x" * 100):
            host.call("hello.greet", name=name)


def go(path: Path) -> None:
    need("go")
    folder = new_plugin(LANGUAGES["go"], "parrot", path.parent)
    build_plugin(folder, toolchain="go")
    with Host(folder.parent, backend="wasmtime", record=path) as host:
        host.call("parrot.greet", name="World")


def quickjs(path: Path) -> None:
    binary = next(file for file in files("qjs-wasi-reactor.wasm") or () if file.suffix == ".wasm").locate()
    with Recorder(path) as recorder:
        engine = recorder.engine(registry.engine("wasmtime"))
        module = engine.compile(Path(str(binary)).read_bytes())
        context = WasiContext(stdout=LineBuffer(lambda line: None), stderr=LineBuffer(lambda line: None))
        linker, store = Linker(), engine.new_store()
        linker.define(Preview1(context).functions())
        exports = store.instantiate(module, linker.resolve(store, module)).exports
        exports["_initialize"].call()
        pointers = []
        for text in ("qjs", "-e", "let s = 0; for (let i = 0; i < 99; i++) s += 'ab'.repeat(i).length; print(s)"):
            (address,) = exports["malloc"].call(len(text) + 1)
            exports["memory"].write(address, text.encode() + b"\0")
            pointers.append(address)
        (vector,) = exports["malloc"].call(16)
        exports["memory"].write(vector, b"".join(it.to_bytes(4, "little") for it in [*pointers, 0]))
        assert exports["qjs_init_argv"].call(3, vector) == (0,)


@define(eq=False)
class Forward(Search):
    """Hashes the state at the first position at or after each of ascending points, in a single run."""

    machine: TimeMachine
    points: list[int]
    seen: dict[int, tuple[Time, str]] = field(factory=dict)

    def at_checkpoint(self, consumed: int) -> int | None:
        if not self.points:
            return None
        close = self.points[0] - STEPPED - self.offset
        if not self.every and consumed >= close:
            raise Paused
        return close

    def paused(self, observer, execution, frame) -> None:
        time = self.time(frame, frame.pc)
        while self.points and time.fuel >= self.points[0]:
            self.seen[self.points.pop(0)] = time, self.machine.digest()
        close = bool(self.points) and time.fuel >= self.points[0] - STEPPED
        if close and not self.every:
            self.step(observer)
        self.every = close


PROGRAMS = [hello, quickjs, go] if IS_CAMPAIGN else [hello, quickjs]  # Go compiles for a quarter of a minute


@pytest.mark.parametrize("make", PROGRAMS)
def test_the_state_at_random_points(make, tmp_path, recorded_in):
    make(tmp_path / "run.zr")
    recorded = recorded_in(tmp_path / "run.zr", HistoryLimits(snapshots=2_000, distance=20_000))
    chance = Random(make.__name__)
    forward: Forward
    order: list[int] = []
    checked = stepped = 0

    def lead(session, stop, time, machine):
        nonlocal forward, checked, stepped
        if stop.reason is Reason.STEP and not order:
            return Resume(Action.CONTINUE)  # to the end, to know how long the run is
        if stop.reason is Reason.END:
            points = sorted(chance.sample(range(2, machine.length), min(POINTS, machine.length - 2)))
            forward = Forward(machine, points)
            machine.search_from(next(iter(machine.history)), forward)
            order.extend(forward.seen)
            chance.shuffle(order)
        elif stop.reason in (Reason.TIME, Reason.STEP):
            expected = forward.seen[order[-1]]
            if stop.reason is Reason.TIME and checked % 4 == 0:
                checked += 1
                return Resume(Action.STEP)  # and back again
            if stop.reason is Reason.STEP and time > expected[0]:
                return Resume(Action.STEP_BACK)
            stepped += stop.reason is Reason.STEP
            assert (time, machine.digest()) == expected
            checked += 1
            order.pop()
        if not order:
            return Resume(Action.QUIT)
        machine.go_to(forward.seen[order[-1]][0])

    recorded.travel(lead, expected=DebuggerQuit)
    assert checked > min(POINTS, 50)
    assert stepped > 10
