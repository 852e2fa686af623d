"""Guests whose memory and answers are random: one clear error or an answer, never a Python traceback."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pools import lent

from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.errors import PluginError
from zenowasm.plugin.guest.abi import Response
from zenowasm.zenolang.scope import Scope

FUNCTIONS = ("host_db_query", "host_http_request", "host_scope_get", "host_scope_set", "host_file_read",
             "host_file_write", "host_env_get")  # fmt: skip
IMPORTS = "".join(f'(import "env" "{name}" (func ${name} (param i32 i32) (result i32)))' for name in FUNCTIONS)
LOG = '(import "env" "host_log" (func $log (param i32 i32 i32 i32)))'
# The guest's behaviour is data: which host function to call with which pointers, and which pointer to answer.
EXECUTE = """
    (drop (call_indirect (param i32 i32) (result i32) (i32.load (i32.const 3000)) (i32.load (i32.const 3004))
      (i32.rem_u (i32.load (i32.const 3008)) (i32.const 7))))
    (call $log (i32.load (i32.const 3012)) (i32.load (i32.const 3016))
      (i32.load (i32.const 3020)) (i32.load (i32.const 3024)))
    (i32.load (i32.const 3028))"""
ELEMENTS = f"(table funcref (elem {' '.join('$' + name for name in FUNCTIONS)}))"
TOKENS = ['{"success":true', '"data":', "{", "}", "[", "]", ",", ":", '"key"', '"a"', "1", "1e999", "null", '"value":',
          '"\\ud800"', "\\", '"', " ", "NaN", "true"]  # fmt: skip
json_like = st.lists(st.sampled_from(TOKENS), max_size=12).map("".join)
addresses = st.integers(4090, 4110) | st.integers(262_130, 262_150) | st.integers(0, 2**32 - 1) | st.just(65_536)


def word(value: int) -> bytes:
    return (value % 2**32).to_bytes(4, "little")


@pytest.fixture
def hostile(bench, guest):
    """A plugin whose behaviour and memory are set through its own memory before each call."""
    text = guest(imports=LOG + IMPORTS, extra=ELEMENTS, execute=EXECUTE)
    limits = PluginLimits(seconds=5.0, log_bytes=10_000)
    permissions = {"scope": ["read", "write"], "env": ["KEY"]}
    return bench.load(text, permissions=permissions, limits=limits, environment={"KEY": "value"})


def test_memory_content_never_makes_a_traceback(hostile):
    @given(
        words=st.lists(addresses, min_size=8, max_size=8),
        text=st.binary(max_size=40) | json_like.map(str.encode),
        response=st.binary(max_size=40) | json_like.map(str.encode),
        value=st.none() | st.text(max_size=5) | st.floats() | st.just(object()),
    )
    @settings(max_examples=200)
    def law(words, text, response, value):
        with lent(hostile.plugins["guest"]._pool) as lease:  # the one that came back last is lent next
            memory = lease.worker._guest.memory
            memory.write(3000, b"".join(map(word, words)))
            memory.write(4096, text + b"\0")
            memory.write(65_536, response + b"\0")
        try:
            answer = hostile.call("guest.run", {"x": 1}, Scope({"key": value, "": value}))
        except PluginError as error:
            assert str(error)
        else:
            assert isinstance(answer, Response)

    law()


def test_mutated_modules_never_make_a_traceback(bench, guest):
    """Bytes of a working plugin are replaced; whatever the engine lets through is loaded and called."""
    binary = guest(imports=LOG).binary()

    @given(st.lists(st.tuples(st.integers(0, len(binary) - 1), st.integers(0, 255)), min_size=1, max_size=4),
           st.integers(0, len(binary)))  # fmt: skip
    @settings(max_examples=150)
    def law(changes, length):
        mutated = bytearray(binary)
        for position, byte in changes:
            mutated[position] = byte
        if length % 3 == 0:
            del mutated[length:]
        with tempfile.TemporaryDirectory() as folder:
            bench.folder = Path(folder)
            manager = bench.host(limits=PluginLimits(seconds=1.0, fuel=1_000_000))
            try:
                manager.load(bench.write(bytes(mutated)))
                for slot in manager.slots:
                    manager.call(slot)
            except PluginError as error:
                assert str(error)
            finally:
                manager.close()
        bench.managers.clear()
        bench.log.clear()

    law()
