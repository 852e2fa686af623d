"""Settings on the command line: where they are looked for, and what limits the commands show and enforce."""

from __future__ import annotations

import pytest

CONFIG = "wasm: {limits: {max_memory: 64MiB, max_execution_time: 500ms}, plugins: {counter: {limits: {max_log: 1kB}}}}"


def test_info_shows_limits_and_where_they_come_from(zenowasm, write, plugins) -> None:
    config = write("host.yaml", CONFIG)
    manifest = plugins / "counter/manifest.yaml"
    manifest.write_text(manifest.read_text() + "limits: {max_fuel: 1_000, max_memory: 1GB}\n")
    lines = zenowasm("plugin", "info", "counter", "--plugin-dir", plugins, "--config", config).out.splitlines()
    limits = lines[lines.index("Limits:") + 1 : -1]
    assert limits[:4] == [
        "  max_memory: 64MiB (config)",
        "  max_execution_time: 500ms (config)",
        "  max_cpu: unlimited (default)",
        "  max_fuel: 1000 (manifest)",
    ]
    assert "  max_log: 1kB (config of the plugin)" in limits
    document = zenowasm("plugin", "info", "counter", "--plugin-dir", plugins, "--config", config, "--json").json
    assert document["limits"]["max_memory"] == {"value": 64 << 20, "source": "config"}
    assert document["limits"]["max_fuel"] == {"value": 1000, "source": "manifest"}


def test_the_files_folder_of_plugins_is_used(zenowasm, write, examples) -> None:
    write("config/plugins.yaml", f"wasm: {{enabled: true, plugin_dir: '{examples}/plugins'}}")
    assert zenowasm("run", examples / "hello.zl").out == "[INFO]: Hello, World!\n"
    assert "hello (v1.0.0)" in zenowasm("plugin", "list").out
    assert zenowasm("run", examples / "hello.zl", variables={"ZENO_PLUGINS_ENABLED": "false"}).code == 1


@pytest.mark.parametrize("command", [("run", "x.zl"), ("plugin", "list"), ("plugin", "info", "counter")])
def test_bad_settings_are_an_error_of_the_users(zenowasm, write, plugins, command) -> None:
    write("x.zl", "print: 1")
    config = write("host.yaml", "wasm:\n  limits: {max_memory: much}\n")
    result = zenowasm(*command, "--plugin-dir", plugins, "--config", config)
    assert result.code == 1
    assert f"{config}:2: wasm.limits.max_memory: expected a size such as 100MB, 64KiB or 1048576, found 'much'" in (
        result.error
    )


def test_limits_of_the_command_line(zenowasm, write, examples) -> None:
    config = write("host.yaml", "wasm: {plugins: {hello: {limits: {max_fuel: 1000000}}}}")
    arguments = ("run", examples / "hello.zl", "--plugin-dir", examples / "plugins", "--config", config)
    assert zenowasm(*arguments).code == 0
    result = zenowasm(*arguments, "--fuel", "100")
    assert "the limit of 100 units is reached; it was given on the command line" in result.err
    assert zenowasm(*arguments, "--timeout", "1h", "--memory", "1GiB").code == 0
    assert "more memory or larger tables than permitted (0 bytes" in zenowasm(*arguments, "--memory", "0").err


def test_without_interrupts_no_time_limit_can_be_given(zenowasm, write, examples) -> None:
    config = write("host.yaml", "wasm: {interruptible: false, deterministic: false}")
    arguments = ("run", examples / "hello.zl", "--plugin-dir", examples / "plugins", "--config", config)
    assert "Hello, World!" in zenowasm(*arguments, "--backend", "wasmtime", "--fuel", "1000000").out
    result = zenowasm(*arguments, "--backend", "wasmtime", "--timeout", "5s")
    assert result.code == 1
    assert "max_execution_time is 5s (command line), which the engine wasmtime cannot keep" in result.error
    assert "drop `interruptible: false`, or drop the limit" in result.error


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [("--fuel", "0", "expected a whole number of 1 or more"), ("--timeout", "soon", "expected a duration"),
     ("--memory", "1.5", "expected a size")],
)  # fmt: skip
def test_wrong_limits_are_wrong_usage(zenowasm, examples, option, value, message) -> None:
    result = zenowasm("run", examples / "hello.zl", option, value)
    assert result.code == 2
    assert message in result.err
