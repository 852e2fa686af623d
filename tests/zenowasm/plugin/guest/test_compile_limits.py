"""Limits on compiling hold while a plugin loads, on every engine, and errors name them."""

from __future__ import annotations

import pytest
from support.wasm import CODE, FUNCTION, TYPE, body, functype, module, section, u, vec

from zenowasm.plugin.configuration.limits import LimitSettings, LimitSource, PluginLimits
from zenowasm.plugin.errors import LoadError

MANY_TYPES = module(section(TYPE, vec([functype()] * 100_000)))


def nested_loops(count):
    code = b"\x03\x40" * count + b"\x0b" * count
    return module(section(TYPE, vec([functype()])), section(FUNCTION, vec([u(0)])), section(CODE, vec([body(code)])))


def test_memory(bench):
    limits = PluginLimits().overridden(LimitSettings(max_compile_memory=1 << 20), LimitSource.CONFIG)
    bench.write(MANY_TYPES)
    with pytest.raises(LoadError) as caught:
        bench.host(limits=limits).load(bench.folder / "guest")
    assert str(caught.value).endswith(
        "guest.wasm: the module takes more than 1048576 bytes of memory to compile (max_compile_memory is 1MiB; "
        "to raise it, change wasm.limits.max_compile_memory in config/plugins.yaml)"
    )


def test_a_manifest_lowers_time_and_cannot_raise_it(bench):
    bench.write(nested_loops(99_000), more="limits: {max_compile_time: 50ms}\n")
    with pytest.raises(LoadError) as caught:
        bench.host().load(bench.folder / "guest")
    assert str(caught.value).endswith(
        "takes longer than 0.05 s to compile (max_compile_time is 50ms; "
        "to raise it, change limits.max_compile_time in manifest.yaml)"
    )
    bench.write(nested_loops(99_000), more="limits: {max_compile_time: 1h}\n")
    with pytest.raises(LoadError, match=r"is 50ms; to raise it, set wasm\.limits\.max_compile_time in"):
        bench.host(limits=PluginLimits(compile_seconds=0.05)).load(bench.folder / "guest")
