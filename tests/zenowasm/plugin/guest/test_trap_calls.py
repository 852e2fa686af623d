"""The calls of a plugin that trapped, with their source lines, wherever a user reads the error."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from support.debugged import shop_plugin

from zenowasm import Host
from zenowasm.plugin.configuration.environment import HostEnvironment
from zenowasm.plugin.errors import GuestTrapError

CALLS = ("average at shop_plugin.c:34", "plugin_execute at shop_plugin.c:53")


def trapped(plugins: Path, backend: str = "reference", change: bool = False) -> GuestTrapError:
    with Host(plugins, backend=backend, environment=HostEnvironment({})) as host:
        with pytest.raises(GuestTrapError) as caught:
            host.call("shop.average")
        if change:
            (plugins / "shop" / "shop.wasm").write_bytes(b"another")
        return caught.value


@pytest.mark.parametrize("backend", ["reference", "wasmtime"])
def test_the_error_has_the_source_lines_of_the_calls(tmp_path, backend):
    error = trapped(shop_plugin(tmp_path), backend)
    assert [call.split(".command_export")[0] for call in error.calls][:2] == list(CALLS)
    assert ".c:" not in str(error)


def test_a_traceback_shows_them(tmp_path):
    shown = "".join(traceback.format_exception(trapped(shop_plugin(tmp_path))))
    assert "\nCalls of the guest, innermost first:\n   0: average at shop_plugin.c:34\n" in shown


def test_a_binary_that_has_changed_gives_no_lines(tmp_path):
    assert list(trapped(shop_plugin(tmp_path), change=True).calls[:2]) == ["average", "plugin_execute"]
