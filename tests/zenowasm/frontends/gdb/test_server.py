"""The answers of the server (gdb's manual, appendix E; LLDB's "GDB Remote Protocol Extensions")."""

from __future__ import annotations

import re
import struct
import threading
from xml.etree import ElementTree

import pytest
from support.gdb import CODE, GUEST, framed
from support.wasm import wat

BINARY = wat(GUEST)
NOP, ADD, STORE, DIVIDE, LOAD, UNREACHABLE = 0x01, 0x6A, 0x36, 0x6E, 0x28, 0x00


def byte_at(client, address: int) -> int:
    return int(client(f"m{address:x},1"), 16)


def stack(client) -> list[int]:
    data = bytes.fromhex(client("qWasmCallStack:1"))
    return [address for (address,) in struct.iter_unpack("<Q", data)]


def body_of(name: str) -> int:
    """Return the address at which the body of a function begins, from wasm-tools' text of it and its bytes."""
    index = ["add", "outer", "divide", "load", "fail", "spin"].index(name)
    at = 8
    while BINARY[at] != 10:  # each section is shorter than 128 bytes
        at += 2 + BINARY[at + 1]
    at += 3
    for _ in range(index):
        at += 1 + BINARY[at]
    return CODE + at + 1


def stopped_in_add(serve):
    """Return a client of a guest that is stopped where `add` begins."""
    client = serve("outer", 40).client()
    client.start()
    assert client(f"Z0,{body_of('add'):x},1") == "OK"
    assert "reason:breakpoint;" in client("vCont;c")
    return client


def test_the_first_stop_is_at_the_first_instruction_with_a_list_of_modules(serve) -> None:
    client = serve("outer", 40).client()
    reply = client.start()
    pc = body_of("outer") + 1
    assert re.fullmatch(r"T05thread:1;threads:1;thread-pcs:[0-9a-f]+;00:[0-9a-f]{16};library:1;reason:trace;", reply)
    assert f"thread-pcs:{pc:x};00:{pc.to_bytes(8, 'little').hex()};" in reply
    assert (client.pc(), client("g")) == (pc, client("p0"))
    answer = client("qXfer:libraries:read::0,ffff")
    assert answer[0] == "l"
    (library,) = ElementTree.fromstring(answer[1:])
    assert library.attrib == {"name": "guest.wasm"}
    assert library[0].attrib == {"address": hex(CODE)}
    parts = [client(f"qXfer:libraries:read::{at:x},32") for at in range(0, len(answer), 0x32)]
    assert "".join(it[1:] for it in parts) == answer[1:]
    assert "".join(it[0] for it in parts) == "m" * (len(parts) - 1) + "l"


def test_the_modules_bytes_are_memory(serve) -> None:
    client = serve("outer", 40).client()
    client.start()
    assert bytes.fromhex(client(f"m{CODE:x},{len(BINARY):x}")) == BINARY
    assert bytes.fromhex(client(f"m{CODE + 8:x},ffff")) == BINARY[8:]
    assert "past the end of the module" in client.error(f"m{CODE + len(BINARY):x},1")
    assert client.error(f"M{CODE:x},1:00") == "code cannot be changed"
    assert client.error(f"m{CODE + (7 << 32):x},1") == "there is no module 8"


def test_steps_go_through_calls_instruction_by_instruction(serve) -> None:
    client = serve("outer", 40).client()
    client.start()
    seen = []
    while len(stack(client)) == 1:
        seen.append(byte_at(client, client.pc()))
        assert "reason:trace;" in client("vCont;s:1")
    # i32.const, local.get, i32.store, local.get, f32.const, f64.const, v128.const, ref.null, call
    assert seen == [0x41, 0x20, STORE, 0x20, 0x43, 0x44, 0xFD, 0xD0, 0x10]
    inner, outer = stack(client)
    assert inner == client.pc() == body_of("add") + 3  # behind one run of locals
    assert byte_at(client, outer) == 0x0B  # the caller goes on at its end


def test_a_breakpoint_where_a_function_begins_is_reported_there(serve) -> None:
    client = stopped_in_add(serve)
    assert client.pc() == body_of("add")
    assert stack(client)[0] == body_of("add")
    # LLDB steps off its breakpoint by removing it.
    assert client(f"z0,{body_of('add'):x},1") == "OK"
    client("vCont;s")
    assert client.pc() == body_of("add") + 3 + 2
    assert client("vCont;c") == "W05"


def test_a_breakpoint_that_is_set_at_the_stop_is_reached_at_once(serve) -> None:
    client = serve("outer", 40).client()
    client.start()
    pc = client.pc()
    assert client(f"Z0,{pc:x},1") == "OK"
    for action in ("c", "vCont;s"):
        assert "reason:breakpoint;" in client(action)
        assert client.pc() == pc
    assert client(f"z0,{pc:x},1") == "OK"
    assert client("c") == "W05"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (CODE + 1, "neither an instruction nor a function begins at 0x1"),
        (CODE + 0xFFFFFFFF, "neither an instruction nor a function begins at 0xffffffff"),
        (16, "only code can have breakpoints"),
        (CODE + (1 << 32), "there is no module 2"),
    ],
)
def test_places_that_can_have_no_breakpoint(serve, address, message) -> None:
    client = serve("outer", 40).client()
    client.start()
    assert client.error(f"Z0,{address:x},1") == message
    assert client(f"z0,{address:x},1") == "OK"
    assert client("c") == "W05"


def test_values_have_the_bytes_of_their_types(serve) -> None:
    client = stopped_in_add(serve)
    assert [client(f"qWasmLocal:0;{it}") for it in range(4)] == [
        (40).to_bytes(4, "little").hex(),
        struct.pack("<f", 1.5).hex(),
        struct.pack("<d", -2.5).hex(),
        struct.pack("<QQ", 1, 2).hex(),
    ]
    assert client("qWasmLocal:1;0") == (40).to_bytes(4, "little").hex()
    assert client.error("qWasmLocal:0;4") == "a value of type externref has no bytes"
    assert client.error("qWasmLocal:0;6") == "there is no local 6 of 6"
    assert client.error("qWasmLocal:2;0") == "there is no frame 2 of 2"
    client(f"z0,{body_of('add'):x},1")
    for _ in range(3):
        client("s")
    # (i32.const 1) (local.get $a) (i32.const 2)
    assert [client(f"qWasmStackValue:0;{it}") for it in range(3)] == ["01000000", "28000000", "02000000"]
    assert client.error("qWasmStackValue:0;3") == "there is no operand 3 of 3"


def test_a_global_of_a_frame_and_of_a_module(serve) -> None:
    client = stopped_in_add(serve)
    minus_two = struct.pack("<q", -2).hex()
    assert client("qWasmGlobal:1;0") == minus_two
    assert client("qWasmGlobal:0;instance:1;") == minus_two
    assert client("qWasmGlobal:0;instance:1") == minus_two
    assert client.error("qWasmGlobal:0;instance:2;") == "there is no module 2"
    assert client.error("qWasmGlobal:0;1") == "there is no global 1 of 1"
    assert "qWasmInstance+" in client("qSupported:xmlRegisters=i386").split(";")


def test_memory_is_read_and_written_with_and_without_the_number_of_its_module(serve) -> None:
    client = stopped_in_add(serve)
    hello = b"Hello".hex()
    assert client("m10,5") == client("m100000010,5") == client("qWasmMem:0;10;5") == client("qWasmMem:1;10;5") == hello
    assert client("M11,2:4142") == "OK"
    assert client("M100000013,1:43") == "OK"
    assert bytes.fromhex(client("m10,5")) == b"HABCo"
    assert client("mfffe,ff") == "0000"
    assert "expected an address from 0 to 0xffff" in client.error("m10000,1")
    assert "expected an address from 0 to 0xffff" in client.error("m100010000,1")
    assert "out of bounds" in client.error("Mffff,2:0000") or "inside" in client.error("Mffff,2:0000")
    assert client("mffff,1") == "00"
    assert client.error("M10,2:00") == client.error("M10,2:zzzz") == "expected 2 bytes in hexadecimal digits"


def test_regions_of_addresses(serve) -> None:
    client = serve("outer", 40).client()
    client.start()
    assert client(f"qMemoryRegionInfo:{CODE + 5:x}") == f"start:{CODE:x};size:{len(BINARY):x};permissions:rx;"
    assert client("qMemoryRegionInfo:10") == "start:0;size:10000;permissions:rw;"
    assert client("qMemoryRegionInfo:100000010") == "start:100000000;size:10000;permissions:rw;"
    assert client("qMemoryRegionInfo:10000") == f"start:10000;size:{(1 << 32) - 0x10000:x};"
    assert client(f"qMemoryRegionInfo:{CODE + (5 << 32):x}") == f"start:{CODE + (5 << 32):x};size:100000000;"


def test_only_a_replay_goes_back(serve) -> None:
    client = serve("outer", 40).client()
    client.start()
    assert "Reverse" not in client("qSupported")
    for packet in ("bc", "bs"):
        assert client.error(packet).startswith("only a replay can go back")
    assert client("c") == "W05"


def test_a_watchpoint_stops_after_the_store(serve) -> None:
    client = serve("outer", 40).client()
    client.start()
    assert client("Z2,22,2") == "OK"  # the store changes only the first byte of the number at 32
    assert client("Z2,100000020,4") == "OK"
    assert "watch:100000020;" in client("c")
    assert byte_at(client, client.pc()) == 0x20  # the store before it was executed
    assert client("m20,4") == "28000000"
    assert client("z2,100000020,4") == client("z2,22,2") == "OK"
    assert client("c") == "W05"


def test_what_cannot_be_watched(serve) -> None:
    client = serve("outer", 40).client()
    client.start()
    assert client.error(f"Z2,{CODE:x},4") == "code does not change"
    assert "4 bytes at 0xfffe are not inside the memory" in client.error("Z2,fffe,4")
    assert "from 1 to 65536 bytes can be watched, not 0" in client.error("Z2,20,0")
    assert client("Z3,20,4") == client("Z4,20,4") == ""  # reads
    assert client("c") == "W05"


@pytest.mark.parametrize(
    ("call", "signal", "words", "opcode"),
    [
        (("divide", 0), 8, "integer divide by zero", DIVIDE),
        (("load", -1), 11, "out of bounds memory access", LOAD),
        (("fail",), 4, "unreachable", UNREACHABLE),
    ],
)
def test_a_trap_is_a_signal_with_a_text(serve, call, signal, words, opcode) -> None:
    client = serve(*call).client()
    client.start()
    reply = client("c")
    assert reply.startswith(f"T{signal:02x}thread:1;")
    description = re.search("reason:exception;description:([0-9a-f]+);", reply)
    assert description and bytes.fromhex(description[1]).decode().startswith(words)
    assert byte_at(client, client.pc()) == opcode
    assert client("qThreadStopInfo1") == reply
    assert client("c") == "W01"


def test_an_interrupt_stops_a_guest_that_runs(serve) -> None:
    client = serve("spin").client()
    client.start()
    client.send(framed("c"))
    client.send(b"\x03")
    assert "reason:signal;" in client.packet()
    assert body_of("spin") < client.pc() < body_of("spin") + 7
    client.send(b"\x03")  # it is stopped
    client.send(framed("vCont;s"))
    assert "reason:trace;" in client.packet()
    # What asks about a stop is refused while there is none.
    client.send(framed("c"))
    assert client.error("m10,1") == client.error("c") == client.error("p0") == "the guest is not stopped"
    client.send(b"\x03")
    assert client.packet().startswith("T02")
    assert client("k") == "X09"
    assert client.is_closed()


def test_each_new_module_stops_once_before_it_begins(serve) -> None:
    other = '(module $other (func $run (export "run") (call $more)) (func $more nop))'
    client = serve("outer", 40, modules=(other, other.replace("nop", "nop nop"))).client()
    first = client.start()
    assert "library:1;reason:trace;" in first
    for number in (2, 3):
        reply = client("c")
        assert reply.startswith("T1c")  # SIGWINCH, for which LLDB goes on
        assert "library:1;reason:signal;" in reply
        assert client.pc() >> 32 == 0x4000_0000 + number
    libraries = ElementTree.fromstring(client("qXfer:libraries:read::0,ffff")[1:])
    assert [it.attrib["name"] for it in libraries] == ["other0.wasm", "other1.wasm", "guest.wasm"]
    # Offsets of one module are breakpoints in no other.
    assert client(f"Z0,{client.pc() + 2:x},1") == "OK"
    assert "reason:breakpoint;" in client("c")
    assert client.error("m100000000,1") == "other0 has no active call at this stop"


def test_a_detached_guest_runs_to_its_end(serve) -> None:
    served = serve("divide", 0)
    client = served.client()
    client.start()
    client(f"Z0,{client.pc() + 2:x},1")
    assert client("D") == "OK"
    assert client.is_closed()
    assert served.target.wait() == 1  # also through its trap


def test_a_killed_guest_does_not_go_on(serve) -> None:
    served = serve("spin")
    client = served.client()
    client.start()
    assert client("vKill;1") == "X09"
    assert served.target.is_ended_by_client and served.target.is_over


def test_a_guest_waits_for_the_next_client_without_the_breakpoints_of_the_last(serve) -> None:
    served = serve("outer", 40)
    first = served.client()
    first.start()
    first(f"Z0,{body_of('add'):x},1")
    first("Z2,20,4")
    first("s")
    pc = first.pc()
    first.close()
    served.gone()
    assert served.target.is_debugged
    second = served.client()
    assert f"thread-pcs:{pc:x};" in second.start()
    assert second("c") == "W05"


def test_a_client_that_comes_while_the_guest_runs_stops_it(serve) -> None:
    served = serve("spin")
    first = served.client()
    first.start()
    first.send(framed("c"))
    first.close()
    served.gone()
    second = served.client()
    assert second.start().startswith("T02")
    assert second("k") == "X09"


def test_a_run_that_ends_without_a_client_is_over_for_the_next_one(serve) -> None:
    served = serve("nothing", text='(module (func (export "nothing")))')
    first = served.client()
    first.start()
    first.send(framed("c"))
    first.close()
    served.target.wait()
    assert served.client().start() == "W05"


def test_acknowledgements_until_the_client_ends_them(serve) -> None:
    client = serve("outer", 40).client()
    client.send(framed("qC"))
    assert client.byte() == b"+"
    assert client.packet() == "QC1"
    client.send(b"$qC#00")
    assert client.byte() == b"-"
    assert client("?").startswith("T05")


def test_an_error_is_only_a_number_until_the_client_asks_for_texts(serve) -> None:
    client = serve("outer", 40).client()
    assert client("mfffff,1") == "E01"


@pytest.mark.parametrize(
    "packet",
    [
        "",
        "\x00",
        "!",
        "qUnknown",
        "vMustReplyEmpty",
        "jThreadsInfo",
        "x0,0",
        "_M1000,rwx",
        "G00",
        "qXfer:auxv:read::0,9",
    ],
)
def test_an_unknown_packet_has_an_empty_answer(serve, packet) -> None:
    client = serve("outer", 40).client()
    client.start()
    assert client(packet) == ""
    assert client("c") == "W05"


@pytest.mark.parametrize(
    "packet",
    [
        *(
            "m",
            "mzz,1",
            "m1",
            "m-1,1",
            "m11112222333344445,1",
            "M1,1",
            "Z0",
            "Z0,1",
            "z2,,",
            "p",
            "pz",
            "p1",
            "vCont;x",
        ),
        *("vCont", "qWasmLocal:0", "qWasmLocal:0;0;0", "qWasmLocal:a;0", "qWasmLocal:²;0", "qWasmGlobal:instance:1"),
        *("qWasmMem:0;0", "qMemoryRegionInfo:", "qXfer:libraries:read::0", "qXfer:libraries:read::,"),
    ],
)
def test_a_malformed_packet_is_an_error(serve, packet) -> None:
    client = serve("outer", 40).client()
    client.start()
    assert client.error(packet)
    assert client("c") == "W05"


def test_a_client_that_speaks_http_is_cut_off_and_the_guest_waits(serve) -> None:
    served = serve("outer", 40)
    web = served.client()
    web.send(b"POST / HTTP/1.1\r\n\r\n" + framed("k"))
    assert web.is_closed()
    assert served.client().start().startswith("T05")


def test_garbage_of_any_kind_leaves_the_guest_alone(serve) -> None:
    from random import Random

    served = serve("outer", 40)
    random = Random(7)
    for _ in range(20):
        client = served.client()
        client.start()
        words = [bytes(random.choices(b"$#+-mMZzqQ0123456789abcdef,;:}*\n", k=random.randrange(40))) for _ in range(50)]
        client.send(b"".join(words))
        client.close()
        served.gone()
    assert served.target.is_debugged
    assert served.client().start().startswith("T05")


def test_the_listener_of_a_target_has_no_logpoints(serve) -> None:
    served = serve("outer", 40)
    served.target.session.add_breakpoint("add", log="here")
    client = served.client()
    client.start()
    assert client("c") == "W05"
    assert threading.current_thread() is threading.main_thread()
