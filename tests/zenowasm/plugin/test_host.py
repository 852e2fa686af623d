"""The Python API: what a program does with a host."""

from __future__ import annotations

import asyncio
import doctest
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import zenowasm
from zenowasm.interp.execution import code
from zenowasm.plugin import Host, HostEnvironment, PluginError, SlotFailedError
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import (
    BusyError,
    ClosedError,
    FuelLimitError,
    InputError,
    NotLoadedError,
    PoolTimeoutError,
    ScriptFileError,
    SlotNotFoundError,
    TimeLimitError,
)
from zenowasm.zenolang import ZenoError, parse

LOG = '(import "env" "host_log" (func $log (param i32 i32 i32 i32)))'
ECHO = "(call $log (i32.const 0) (i32.const 0) (local.get 2) (local.get 3)) (i32.const 65536)"
GATE = "(call $log (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 4)) (i32.const 65536)"
ENDLESS = "(loop $again (br $again)) unreachable"


@pytest.fixture
def opened(backend, bench):
    hosts = []

    def make(guest=None, *, lazy=False, **more):
        if guest is not None:
            bench.write(guest)
        options = {"environment": HostEnvironment({}), "log": bench.log.append, **more}
        host = Host(bench.folder, backend=backend, lazy=lazy, **options)
        hosts.append(host)
        return host

    yield make
    for host in hosts:
        host.close()


class Gate:
    """A log sink that holds whoever says ``gate`` until it is opened."""

    def __init__(self):
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.count = 0

    def __call__(self, record):
        if record.message == "gate":
            self.count += 1
            self.entered.release()
            assert self.open.wait(30)


def test_the_example_of_the_documentation(backend, bench, root):
    shutil.copytree(root / "examples" / "plugins" / "hello", bench.folder / "hello")
    with zenowasm.Host(bench.folder, backend=backend, environment=HostEnvironment({})) as host:
        assert host.call("hello.greet", name="World") == {"message": "Hello, World!"}
        assert "hello" in host.plugins
        assert "hello.greet" in host.slots
        with pytest.raises(zenowasm.SlotFailedError, match=r"^hello\.log needs a message$") as failed:
            host.call("hello.log", message=None)
        assert isinstance(failed.value, zenowasm.PluginError)
        assert failed.value.slot == "hello.log"
    with pytest.raises(ClosedError):
        host.call("hello.greet", name="World")


def test_importing_the_package_imports_no_part_of_it():
    code = "import sys, zenowasm; print([name for name in sys.modules if name.startswith('zenowasm.')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
    with pytest.raises(AttributeError, match="has no attribute 'Hots'"):
        zenowasm.Hots  # noqa: B018


def test_inputs_are_checked_and_defaults_filled_in(bench, guest, opened):
    inputs = {"x": {"type": "int", "required": True}, "y": {"default": 5}, "timeout": {}}
    host = opened(guest(imports=LOG, execute=ECHO, slots=json.dumps([{"name": "guest.run", "inputs": inputs}])))
    assert host.call("guest.run", x="7") == {"answer": 42}
    assert host.call("guest.run", {"x": 1, "timeout": 3}, y=2) == {"answer": 42}
    sent = [json.loads(message)["parameters"] for _, message in bench.lines]
    assert sent == [{"x": 7, "y": 5}, {"x": 1, "timeout": 3, "y": 2}]
    with pytest.raises(InputError, match="missing required attribute 'x'"):
        host.call("guest.run")
    with pytest.raises(InputError, match="unknown attribute 'z'"):
        host.call("guest.run", x=1, z=2)


def test_what_a_slot_answers(guest, opened):
    assert opened(guest(response='{"success":true}')).call("guest.run") == {}
    host = opened(guest(response='{"success":false,"error":"no money","data":{"balance":3}}'))
    with pytest.raises(SlotFailedError, match=r"^no money$") as failed:
        host.call("guest.run")
    assert failed.value.data == {"balance": 3}
    with pytest.raises(SlotFailedError, match="the plugin gave no error message"):
        opened(guest(response="{}")).call("guest.run")


def test_a_call_may_be_bounded(guest, opened):
    host = opened(guest(execute=ENDLESS), limits=PluginLimits(seconds=60))
    with pytest.raises(TimeLimitError, match=r"the limit of 0\.2 s is reached"):
        host.call("guest.run", timeout=0.2)
    with pytest.raises(FuelLimitError, match="the limit of 5000 units is reached"):
        host.call("guest.run", fuel=5000)
    host = opened(guest(execute=ENDLESS), limits=PluginLimits(seconds=0.2))
    with pytest.raises(TimeLimitError, match=r"the limit of 0\.2 s is reached"):
        host.call("guest.run", timeout=60)
    for bounds in ({"timeout": 0}, {"fuel": -1}, {"timeout": float("nan")}):
        with pytest.raises(ValueError, match="must be greater than 0"):
            host.call("guest.run", **bounds)


def test_waiting_for_an_instance_is_part_of_the_time(guest, opened):
    gate = Gate()
    host = opened(guest(imports=LOG, text="gate", execute=GATE), log=gate, limits=PluginLimits(instances=1, seconds=30))
    thread = threading.Thread(target=lambda: host.call("guest.run"))
    thread.start()
    assert gate.entered.acquire(timeout=30)
    with pytest.raises(PoolTimeoutError, match="the limit of 1 instances is reached"):
        host.call("guest.run", timeout=0.1)
    gate.open.set()
    thread.join(30)


def test_unknown_names(guest, opened):
    host = opened(guest())
    with pytest.raises(NotLoadedError):
        host.call("other.run")
    with pytest.raises(SlotNotFoundError):
        host.call("guest.walk")


def test_scripts_from_a_file_and_from_text(bench, guest, opened):
    host = opened(guest())
    file = bench.folder / "some.zl"
    file.write_text("guest.run\nlog: $answer\n$twice: $answer\n")
    lines = []
    assert host.run_script(file, output=lines.append) == {"answer": 42, "twice": 42}
    assert host.run_script(str(file), {"x": 1}, output=lines.append) == {"answer": 42, "twice": 42, "x": 1}
    assert lines == ["[LOG]: 42"] * 2
    assert host.run_script("guest.run { as: $all }") == {"answer": 42, "all": {"answer": 42}}
    (bench.folder / "outer.zl").write_text('include: "some.zl"\n')
    assert host.run_script(bench.folder / "outer.zl", output=lines.append)["twice"] == 42
    program = parse('include: "some.zl"\n', str(bench.folder / "parsed.zl"))
    assert host.run_script(program, output=lines.append)["twice"] == 42
    with pytest.raises(ScriptFileError, match=r"cannot read .*none\.zl: No such file"):
        host.run_script("none.zl")
    file.write_bytes(b"log: \xff")
    with pytest.raises(ScriptFileError, match="expected a script in UTF-8, found other bytes at 5"):
        host.run_script(file)
    with pytest.raises(ZenoError, match=r"guest\.walk"):
        host.run_script("guest.walk")


def test_problems_and_reload(bench, guest, opened):
    bench.write(b"", name="bad")
    host = opened(guest())
    assert [problem.folder.name for problem in host.problems] == ["bad"]
    bench.write(guest(response='{"success":true,"data":{"answer":43}}'))
    bench.write(guest(slots='[{"name":"bad.run"}]'), name="bad")
    assert host.reload().ok
    assert host.call("guest.run") == {"answer": 43}
    assert host.run_script("bad.run") == {"answer": 42}
    assert host.problems == ()


def test_a_lazy_host_remembers(bench, guest, opened, tmp_path_factory):
    environment = HostEnvironment({"ZENO_CACHE_DIR": str(tmp_path_factory.mktemp("cache"))})
    opened(guest(), lazy=True, environment=environment).close()
    host = opened(lazy=True, environment=environment)
    assert host.plugins["guest"].instances == 0
    assert host.run_script("guest.run") == {"answer": 42}
    assert host.plugins["guest"].instances == 1


def test_a_host_keeps_code_for_the_next_one(guest, opened, monkeypatch, tmp_path_factory):
    environment = HostEnvironment({"ZENO_CACHE_DIR": str(tmp_path_factory.mktemp("cache"))})
    host = opened(guest(), environment=environment)
    assert host.call("guest.run") == {"answer": 42}
    host.close()
    lowered = []
    monkeypatch.setattr(code, "lower", lambda *arguments: lowered.append(arguments))
    assert opened(environment=environment).call("guest.run") == {"answer": 42}
    assert lowered == []


def test_many_calls_in_an_event_loop(guest, opened):
    host = opened(guest())

    async def main():
        async with host:
            return await asyncio.gather(*(host.call_async("guest.run", x=number) for number in range(50)))

    assert asyncio.run(main()) == [{"answer": 42}] * 50
    with pytest.raises(ClosedError):
        asyncio.run(host.call_async("guest.run"))


def test_errors_arrive_in_an_event_loop(guest, opened):
    host = opened(guest(response='{"success":false,"error":"no"}'))
    with pytest.raises(SlotFailedError, match=r"^no$"):
        asyncio.run(host.call_async("guest.run"))
    with pytest.raises(NotLoadedError):
        asyncio.run(host.call_async("other.run"))


def test_the_event_loop_goes_on_while_a_slot_runs(guest, opened):
    gate = Gate()
    host = opened(guest(imports=LOG, text="gate", execute=GATE), log=gate)

    async def main():
        task = asyncio.create_task(host.call_async("guest.run"))
        await asyncio.to_thread(gate.entered.acquire)
        # Only this loop can open the gate.
        gate.open.set()
        return await task

    assert asyncio.run(asyncio.wait_for(main(), 30)) == {"answer": 42}


def test_a_cancelled_call_loses_no_instance(guest, opened):
    gate = Gate()
    limits = PluginLimits(instances=1, async_threads=1)
    host = opened(guest(imports=LOG, text="gate", execute=GATE), log=gate, limits=limits)

    async def main():
        running = asyncio.create_task(host.call_async("guest.run"))
        await asyncio.to_thread(gate.entered.acquire)
        waiting = asyncio.create_task(host.call_async("guest.run"))
        await asyncio.sleep(0)
        for task in (running, waiting):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert host.plugins["guest"].calls_in_flight == 1
        gate.open.set()
        return await host.call_async("guest.run")

    assert asyncio.run(main()) == {"answer": 42}
    # The one that was cancelled while it waited for a thread never began.
    assert gate.count == 2
    assert host.plugins["guest"].instances == 1
    assert host.plugins["guest"].calls_in_flight == 0


def test_too_many_pending_calls_are_refused_at_once(guest, opened):
    gate = Gate()
    limits = PluginLimits(async_threads=1, async_pending=2)
    host = opened(guest(imports=LOG, text="gate", execute=GATE), log=gate, limits=limits)

    async def main():
        tasks = [asyncio.create_task(host.call_async("guest.run")) for _ in range(2)]
        await asyncio.to_thread(gate.entered.acquire)
        with pytest.raises(BusyError, match="2 asynchronous calls are pending"):
            await host.call_async("guest.run")
        gate.open.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == [{"answer": 42}] * 2


def test_a_call_that_the_end_of_the_host_overtakes_is_told_so(guest, opened):
    gate = Gate()
    limits = PluginLimits(async_threads=1)
    host = opened(guest(imports=LOG, text="gate", execute=GATE), log=gate, limits=limits)

    async def main():
        running = asyncio.create_task(host.call_async("guest.run"))
        await asyncio.to_thread(gate.entered.acquire)
        waiting = asyncio.create_task(host.call_async("guest.run"))
        await asyncio.sleep(0)
        report = await asyncio.to_thread(host.close, 0.01)
        assert report.cancelled == 1
        with pytest.raises(ClosedError, match="closed before the call began"):
            await waiting
        gate.open.set()
        return await running

    assert asyncio.run(main()) == {"answer": 42}


def test_a_folder_that_cannot_be_read_leaves_nothing_open(backend, bench, guest):
    bench.write(guest())
    bench.write(guest(), name="second")
    with pytest.raises(PluginError, match="holds 2 plugins, the limit is 1"):
        Host(bench.folder, backend=backend, environment=HostEnvironment({}), limits=PluginLimits(plugins=1))


@pytest.mark.parametrize(("bound", "value"), [("timeout", "2s"), ("timeout", True), ("fuel", "all"), ("fuel", [1])])
def test_a_bound_that_is_no_number_is_a_sentence(opened, guest, bound, value):
    host = opened(guest())
    with pytest.raises(TypeError, match=rf"{bound} must be a number of \w+, found "):
        host.call("guest.run", **{bound: value})


def test_limits_of_another_type_are_a_sentence(tmp_path):
    with pytest.raises(TypeError, match=r"limits must be PluginLimits, .*found \{'fuel': 5\}"):
        Host(tmp_path, limits={"fuel": 5})


def test_the_package_lists_what_is_public():
    assert {"Host", "PluginError", "PluginLimits", "SlotFailedError"} <= set(dir(zenowasm))


def test_the_docstring_holds(monkeypatch):
    import zenowasm.plugin.host

    monkeypatch.chdir(Path(__file__).parents[3])
    results = doctest.testmod(zenowasm.plugin.host)
    assert (results.attempted, results.failed) == (1, 0)
