"""One plugin's life, on every engine: start, slots, limits, traps and what comes after them."""

from __future__ import annotations

import threading
import time

import pytest

from zenowasm.interp.errors import TrapCode
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import (
    AllocationError,
    BadPointerError,
    BusyError,
    FuelLimitError,
    GuestExitError,
    GuestTrapError,
    LoadError,
    ReplyError,
    RequestError,
    SlotNotFoundError,
    StackLimitError,
    TimeLimitError,
)
from zenowasm.zenolang.scope import Scope

ENDLESS = "(loop $again (br $again)) unreachable"
COUNTING = """
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.store8 (i32.const 65568) (i32.add (i32.const 48) (global.get $count)))"""


def test_a_slot_answers(bench, guest):
    manager = bench.load(guest())
    response = manager.call("guest.run", {"x": 1})
    assert response.success
    assert response.data == {"answer": 42}
    assert response.error is None
    assert manager.plugins["guest"].metadata.version == "1.0.0"


def test_the_guest_gets_slot_name_and_request(bench, guest):
    # Logs both arguments of plugin_execute as they lie in memory.
    manager = bench.load(
        guest(
            imports='(import "env" "host_log" (func $log (param i32 i32 i32 i32)))',
            execute="(call $log (local.get 0) (local.get 1) (local.get 0) (local.get 1))"
            "(call $log (local.get 0) (local.get 1) (local.get 2) (local.get 3)) (i32.const 65536)",
        )
    )
    manager.call("guest.run", {"whole": 10.0, "half": 0.5, "text": "ä\x00"})
    request = '{"slot_name":"guest.run","parameters":{"whole":10,"half":0.5,"text":"ä\\u0000"}}'
    assert bench.lines == [("info", "guest.run"), ("info", request)]


def test_config_travels_as_context(bench, guest):
    manager = bench.load(
        guest(
            imports='(import "env" "host_log" (func $log (param i32 i32 i32 i32)))',
            execute="(call $log (local.get 0) (i32.const 0) (local.get 2) (local.get 3)) (i32.const 65536)",
        ),
        more="config: {key: {env: SHOP}, tries: {type: int, default: 3}}\n",
        environment={"SHOP": "corner"},
    )
    manager.call("guest.run")
    assert bench.lines[0][1].endswith('"parameters":{},"context":{"config":{"key":"corner","tries":3}}}')
    assert "secret" not in repr(bench.instance(manager)._code)


def test_a_reply_may_be_long_and_end_with_memory(bench, guest):
    long = "x" * 50_000
    manager = bench.load(
        guest(
            response='{"success":true,"data":{"long":"' + long + '"}}', extra="", pages="2 2", alloc="i32.const 120000"
        )
    )
    assert manager.call("guest.run").data == {"long": long}
    # 131072 - 65536 bytes from the response to the end of memory hold no NUL at all here.
    text = '{"success":true,"data":{"end":1}}'
    padded = text + "~" * (131072 - 65536 - len(text) - 1)
    manager = bench.host()
    manager.load(
        bench.write(
            guest(response=padded, pages="2 2", alloc="i32.const 8192", extra='(data (i32.const 131071) "~")'),
            name="end",
        )
    )
    assert manager.call("guest.run").data == {"end": 1}


def test_an_instance_keeps_its_state_between_calls(bench, guest):
    manager = bench.load(guest(execute=COUNTING + "(i32.const 65536)", response='{"success":true,"data":{"count":0}}'))
    assert [manager.call("guest.run").data["count"] for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("unreachable", TrapCode.UNREACHABLE),
        ("(i32.div_u (i32.const 1) (global.get $count))", TrapCode.INTEGER_DIVIDE_BY_ZERO),
        ("(i32.load (i32.const -1))", TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS),
    ],
)
def test_a_trap_is_an_error_and_the_next_call_has_a_fresh_instance(bench, guest, body, code):
    trapping = f"""(if (result i32) (i32.eq (global.get $count) (i32.const 2))
        (then (global.set $count (i32.const 0)) {body}) (else (i32.const 65536)))"""
    manager = bench.load(guest(execute=COUNTING + trapping, response='{"success":true,"data":{"count":0}}'))
    assert manager.call("guest.run").data == {"count": 1}
    with pytest.raises(GuestTrapError, match=f"^failed to call guest.plugin_execute: {code.value}") as caught:
        manager.call("guest.run")
    assert caught.value.trap_code is code
    assert manager.call("guest.run").data == {"count": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"init": "unreachable"}, "failed to get plugin metadata: failed to call guest.plugin_init: unreachable"),
        (
            {"register": "unreachable"},
            "failed to get plugin slots: failed to call guest.plugin_register_slots: unreachable",
        ),
        (
            {"extra": "(func $s unreachable) (start $s)"},
            "failed to load WASM module: failed to call guest.start: unreachable",
        ),
        (
            {"extra": '(func (export "_initialize") unreachable)'},
            "failed to load WASM module: failed to call guest._initialize: unreachable",
        ),
        (
            {"init": "i32.const -1"},
            "failed to get plugin metadata: failed to read metadata: failed to read memory at 4294967295",
        ),
        ({"metadata": "nonsense"}, "failed to get plugin metadata: failed to parse metadata JSON: "),
        (
            {"metadata": ""},
            "failed to get plugin metadata: failed to parse metadata JSON: unexpected end of JSON input",
        ),
        ({"slots": "{}"}, "failed to get plugin slots: failed to parse slots JSON: expected a list, found an object"),
        (
            {"slots": "[1]"},
            r"failed to get plugin slots: failed to parse slots JSON: \[0\]: expected an object, found a number",
        ),
        ({"pages": "2000"}, "failed to load WASM module: "),
        ({"extra": '(data (i32.const -1) "x")'}, "failed to load WASM module: .*out of bounds memory access"),
        (
            {"imports": '(import "env" "host_nothing" (func))'},
            'unknown import: the module imports "env.host_nothing" .* host_log',
        ),
        ({"imports": '(import "env" "host_log" (func))'}, 'incompatible import type: .*"env.host_log"'),
        ({"imports": '(import "env" "table" (table 1 funcref))'}, 'unknown import: .*"env.table"'),
        (
            {"without": ("plugin_init",)},
            "^failed to get plugin metadata: function plugin_init not found in module guest",
        ),
        (
            {"without": ("plugin_register_slots",)},
            "^failed to get plugin slots: function plugin_register_slots not found in module",
        ),
        ({"without": ("plugin_execute",)}, "function plugin_execute not found in module guest"),
        ({"without": ("alloc",)}, "function alloc not found in module guest"),
        ({"without": ("memory",)}, 'module guest exports no memory named "memory"'),
        (
            {"without": ("plugin_cleanup",), "extra": '(func (export "plugin_cleanup") (param i64))'},
            r"is \(func \(param i64\)\)",
        ),
    ],
)
def test_what_is_wrong_at_load_is_one_clear_error(bench, guest, changes, message):
    with pytest.raises(LoadError, match=message):
        bench.load(guest(**changes))


def test_cleanup_may_be_missing(bench, guest):
    with bench.load(guest(without=("plugin_cleanup",))) as manager:
        assert manager.call("guest.run").success
    assert bench.log == []


def test_initialize_runs_before_init_and_start_may_exit_with_zero(bench, guest):
    setting = "(i32.store8 (i32.const 1034) (i32.const 65))"  # the second letter of the name in the metadata
    manager = bench.load(guest(extra=f'(func (export "_initialize") {setting}) (func (export "_start") unreachable)'))
    assert manager.plugins["guest"].metadata.name == "gAest"


@pytest.mark.parametrize("code", [0, 3])
def test_start_may_exit_with_zero_only(bench, guest, code):
    text = guest(
        imports='(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))',
        extra=f'(func (export "_start") (call $exit (i32.const {code})))',
    )
    if code == 0:
        assert bench.load(text).call("guest.run").success
    else:
        with pytest.raises(LoadError, match=r"failed to call guest._start: the guest exited with code 3"):
            bench.load(text)


def test_an_endless_loop_ends_at_the_time_limit(bench, guest):
    manager = bench.load(guest(execute=ENDLESS), limits=PluginLimits(seconds=0.3))
    started = time.monotonic()
    with pytest.raises(TimeLimitError, match=r"interrupted.*the limit of 0.3 s") as caught:
        manager.call("guest.run")
    assert time.monotonic() - started < 3
    assert caught.value.trap_code is TrapCode.INTERRUPTED


def test_the_time_limit_is_for_all_steps_of_a_slot_call_together(bench, guest):
    # The first alloc sleeps for most of the time, so plugin_execute has only the rest of it.
    sleep = "(drop (call $poll (i32.const 4096) (i32.const 8192) (i32.const 1) (i32.const 8300)))"
    nap = bytes(24) + (900_000_000).to_bytes(8, "little") + bytes(16)
    text = guest(
        imports='(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))',
        text=nap,
        alloc=f"(if (i32.lt_u (local.get 0) (i32.const 10)) (then {sleep})) (i32.const 12288)",
        execute=ENDLESS,
    )
    manager = bench.load(text, limits=PluginLimits(seconds=1.2))
    started = time.monotonic()
    with pytest.raises(TimeLimitError, match=r"failed to call guest.plugin_execute: interrupted"):
        manager.call("guest.run")
    assert 0.9 < time.monotonic() - started < 1.9


@pytest.mark.parametrize("phase", ["init", "register"])
def test_an_endless_loop_while_loading_ends_too(bench, guest, phase):
    with pytest.raises(LoadError, match="interrupted"):
        bench.load(guest(**{phase: ENDLESS}), limits=PluginLimits(seconds=0.2))


def test_an_endless_loop_in_cleanup_is_reported(bench, guest):
    bench.load(guest(cleanup="(loop $again (br $again))"), limits=PluginLimits(seconds=0.2)).close()
    (line,) = bench.lines
    assert line[0] == "error"
    assert line[1].startswith("Failed to cleanup plugin: failed to call guest.plugin_cleanup: interrupted")


def test_fuel_is_for_the_whole_slot_call_and_is_given_anew_to_the_next(bench, guest):
    body = """(local.set $i (i32.const 50))
        (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1))))) (i32.const 65536)"""
    generous = bench.load(guest(execute=body), limits=PluginLimits(fuel=2_000))
    for _ in range(20):
        assert generous.call("guest.run").success
    generous.close()
    bench.managers.clear()
    tight = bench.load(guest(execute=body), limits=PluginLimits(fuel=150))
    with pytest.raises(FuelLimitError, match="all fuel consumed") as caught:
        tight.call("guest.run")
    assert caught.value.trap_code is TrapCode.OUT_OF_FUEL


def test_endless_recursion_is_an_error(bench, guest):
    text = guest(
        execute="(call $deep (local.get 0))",
        extra="(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))",
    )
    manager = bench.load(text)
    with pytest.raises(StackLimitError, match="call stack exhausted"):
        manager.call("guest.run")
    with pytest.raises(StackLimitError):
        manager.call("guest.run")


def test_recursion_through_the_host_is_an_error(bench, guest):
    manager = bench.load(
        guest(
            imports='(import "env" "host_env_get" (func $host (param i32 i32) (result i32)))',
            alloc="(if (global.get $count) (then (drop (call $host (i32.const 0) (i32.const 0))))) (i32.const 8192)",
            execute="(global.set $count (i32.const 1)) (call $host (i32.const 0) (i32.const 0))",
        )
    )
    with pytest.raises(StackLimitError, match="call stack exhausted") as caught:
        manager.call("guest.run")
    assert "call each other more than 16 deep" in str(caught.value.__cause__)


def test_memory_is_limited(bench, guest):
    growing = "(if (i32.ne (memory.grow (i32.const 1600)) (i32.const -1)) (then unreachable)) (i32.const 65536)"
    manager = bench.load(guest(execute=growing))
    assert manager.call("guest.run").success


def test_an_instance_that_has_used_most_of_its_memory_is_replaced(bench, guest):
    body = COUNTING + "(drop (memory.grow (i32.const 700))) (i32.const 65536)"
    log = '(import "env" "host_log" (func $log (param i32 i32 i32 i32)))'
    manager = bench.load(
        guest(
            execute=body,
            response='{"success":true,"data":{"count":0}}',
            imports=log,
            text="bye",
            cleanup="(call $log (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 3))",
        )
    )
    assert [manager.call("guest.run").data["count"] for _ in range(4)] == [1, 2, 1, 2]
    manager.close()
    assert bench.lines == [("info", "bye"), ("info", "bye")]


def test_the_cleanup_of_a_full_instance_reaches_no_scope(bench, guest):
    imports = """(import "env" "host_log" (func $log (param i32 i32 i32 i32)))
        (import "env" "host_scope_get" (func $get (param i32 i32) (result i32)))"""
    manager = bench.load(
        guest(
            imports=imports,
            text="k",
            execute="(drop (memory.grow (i32.const 1300))) (i32.const 65536)",
            cleanup="(call $log (i32.const 0) (i32.const 0) (call $get (i32.const 4096) (i32.const 1)) (i32.const 54))",
        ),
        permissions={"scope": ["read"]},
    )
    assert manager.call("guest.run", {}, Scope({"k": 1})).success
    assert bench.lines == [("info", '{"success":false,"error":"scope access not available"}')]


def test_a_sleep_ends_with_the_calls_time(bench, guest):
    minute = bytes(24) + (60 * 10**9).to_bytes(8, "little") + bytes(16)
    text = guest(
        imports='(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))',
        text=minute,
        execute="(drop (call $poll (i32.const 4096) (i32.const 8192) (i32.const 1) (i32.const 8300)))" + ENDLESS,
    )
    manager = bench.load(text, limits=PluginLimits(seconds=0.3))
    started = time.monotonic()
    with pytest.raises(TimeLimitError, match="interrupted"):
        manager.call("guest.run")
    assert time.monotonic() - started < 3


def test_fuel_that_earlier_steps_have_used_is_gone(bench, guest):
    spin = "(local $i i32) (local.set $i (i32.const 50))"
    spin += " (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1))))) (i32.const 8192)"
    # Each of the two allocs takes about 250 units, and nothing else much.
    assert bench.load(guest(alloc=spin), limits=PluginLimits(fuel=700)).call("guest.run").success
    with pytest.raises(FuelLimitError, match=r"failed to call guest\.alloc: all fuel consumed"):
        manager = bench.host(limits=PluginLimits(fuel=400))
        manager.load(bench.folder / "guest")
        manager.call("guest.run")


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"execute": "i32.const -1"}, BadPointerError, "failed to read response: failed to read memory at 4294967295"),
        ({"execute": "i32.const 262144"}, BadPointerError, "failed to read memory at 262144"),
        ({"response": "{"}, ReplyError, "failed to parse response JSON: "),
        ({"response": "[]"}, ReplyError, "failed to parse response JSON: expected an object, found a list"),
        ({"response": '{"success":1}'}, ReplyError, "failed to parse response JSON: success: expected true or false"),
        (
            {"response": b'{"success":true,"error":"\xff"}'},
            ReplyError,
            "failed to parse response JSON: invalid UTF-8 at byte 25",
        ),
        ({"response": "[" * 60_000}, ReplyError, "failed to parse response JSON: nested deeper than 128"),
        ({"response": '{"a":' * 10_000}, ReplyError, "failed to parse response JSON: nested deeper than 128"),
        ({"response": '{"success":true,"data":{"n":' + "9" * 5000 + "}}"}, ReplyError, "failed to parse response JSON"),
        ({"response": '{"success":true,"data":{"n":1e999}}'}, ReplyError, "number out of range"),
        ({"response": '{"success":true,"data":{"n":NaN}}'}, ReplyError, "NaN is not JSON"),
    ],
)
def test_a_bad_answer_is_one_clear_error_and_the_instance_goes_on(bench, guest, changes, error, message):
    manager = bench.load(guest(**changes))
    for _ in range(2):
        with pytest.raises(error, match=message):
            manager.call("guest.run")


@pytest.mark.parametrize(
    ("alloc", "message"),
    [("i32.const 0", "answered 0"), ("i32.const -8", "returned a bad address")],
)
def test_a_bad_alloc_is_an_error(bench, guest, alloc, message):
    with pytest.raises(AllocationError, match=message):
        bench.load(guest(alloc=alloc)).call("guest.run")


def test_a_reply_longer_than_the_cap_says_so(bench, guest):
    manager = bench.load(
        guest(
            pages="40",
            response='{"success":true,"data":{"x":"',
            execute="(memory.fill (i32.const 65565) (i32.const 120) (i32.const 2000000)) (i32.const 65536)",
            alloc="i32.const 8192",
        )
    )
    with pytest.raises(ReplyError, match="longer than the limit of 1048576 bytes"):
        manager.call("guest.run")


def test_what_cannot_travel_is_refused_before_the_guest_is_called(bench, guest):
    manager = bench.load(guest(execute="unreachable"), limits=PluginLimits(request_bytes=1000))
    with pytest.raises(RequestError, match="failed to marshal request: x has no JSON form: object"):
        manager.call("guest.run", {"x": object()})
    with pytest.raises(RequestError, match="longer than the limit of 1000 bytes"):
        manager.call("guest.run", {"x": "y" * 1000})
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(RequestError, match="nested deeper"):
        manager.call("guest.run", {"x": circle})
    with pytest.raises(SlotNotFoundError, match=r"^slot guest.other not found in plugin guest$"):
        manager.call("guest.other")


def test_a_guest_that_exits_in_a_slot_is_replaced(bench, guest):
    manager = bench.load(
        guest(
            imports='(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))',
            execute="(call $exit (i32.const 7)) (i32.const 65536)",
        )
    )
    for _ in range(2):
        with pytest.raises(
            GuestExitError, match=r"failed to call guest.plugin_execute: the guest exited with code 7"
        ) as caught:
            manager.call("guest.run")
        assert caught.value.code == 7


def test_what_a_log_sink_raises_arrives_and_the_instance_is_replaced(bench, guest):
    text = guest(
        imports='(import "env" "host_log" (func $log (param i32 i32 i32 i32)))',
        execute=COUNTING + "(call $log (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 65536)",
        response='{"success":true,"data":{"count":0}}',
    )
    folder = bench.write(text)
    failing = [False]

    def sink(record):
        if failing[0]:
            raise KeyboardInterrupt

    manager = bench.host(log=sink)
    manager.load(folder)
    assert manager.call("guest.run").data == {"count": 1}
    failing[0] = True
    with pytest.raises(KeyboardInterrupt):
        manager.call("guest.run")
    failing[0] = False
    assert manager.call("guest.run").data == {"count": 1}


def test_a_plugin_cannot_be_called_from_inside_its_own_call(bench, guest):
    text = guest(
        imports='(import "env" "host_log" (func $log (param i32 i32 i32 i32)))',
        execute="(call $log (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 65536)",
    )
    folder = bench.write(text)
    caught = []

    def sink(record):
        with pytest.raises(BusyError, match="plugin guest is called from inside its own call") as error:
            manager.call("guest.run")
        caught.append(error)

    manager = bench.host(log=sink)
    manager.load(folder)
    assert manager.call("guest.run").success
    assert len(caught) == 1


def test_threads_share_an_instance_without_mixing_calls(bench, guest):
    text = guest(execute=COUNTING + "(i32.const 65536)", response='{"success":true,"data":{"count":0}}')
    manager = bench.load(text, limits=PluginLimits(instances=1))
    seen = []

    def work():
        seen.extend(manager.call("guest.run").data["count"] for _ in range(2))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [1, 2, 3, 4, 5, 6, 7, 8]
