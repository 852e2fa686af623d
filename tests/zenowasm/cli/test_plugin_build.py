"""``zenowasm plugin new`` and ``plugin build``: what they print, and what they refuse."""

from __future__ import annotations

import hashlib
from pathlib import Path

from support.dap import Connected


def test_from_nothing_to_a_running_plugin(zenowasm, tmp_path) -> None:
    made = zenowasm("plugin", "new", "parrot", "--lang", "c")
    assert (made.code, made.err) == (0, "")
    assert made.out.splitlines()[-1] == "Build it with: zenowasm plugin build parrot"
    built = zenowasm("plugin", "build", "parrot", "--compiler", "ppci")
    assert (built.code, built.err) == (0, "")
    binary = (tmp_path / "parrot" / "parrot.wasm").read_bytes()
    assert built.out.splitlines() == [
        f"parrot/parrot.wasm: {len(binary)} bytes, C, ppci",
        f"sha256 {hashlib.sha256(binary).hexdigest()}",
    ]
    described = zenowasm("plugin", "build", "parrot", "--compiler", "ppci", "--backend", "wasmtime", "--json").json
    assert (described["valid"], described["problems"], described["size"]) == (True, [], len(binary))
    ran = zenowasm("run", "parrot/test.zl", "--plugin-dir", ".")
    assert ran.code == 0
    assert "Hello, World!" in ran.out


def test_what_the_compiler_says_is_shown_and_the_error_is_one_line(zenowasm, tmp_path) -> None:
    zenowasm("plugin", "new", "parrot", "--lang", "c")
    (tmp_path / "parrot" / "plugin.c").write_text("int f(void) { return nothing; }")
    result = zenowasm("plugin", "build", "parrot", "--compiler", "zig")
    assert result.code == 1
    assert result.error.endswith("failed with exit code 1")
    assert "use of undeclared identifier 'nothing'" in result.err
    refused = zenowasm("plugin", "build", "parrot", "--compiler", "ppci")
    assert refused.code == 1
    assert "plugin.c:1:" in refused.error


def test_a_plugin_that_lacks_an_export_is_built_and_reported(zenowasm, tmp_path) -> None:
    zenowasm("plugin", "new", "parrot", "--lang", "c")
    (tmp_path / "parrot" / "plugin.c").write_text("int plugin_init(void) { return 0; }")
    result = zenowasm("plugin", "build", "parrot", "--compiler", "ppci")
    assert result.code == 1
    assert result.error.startswith("parrot was built but is not a valid plugin: ")
    assert "error: exports: function plugin_execute not found" in result.out


def test_refusals(zenowasm, tmp_path) -> None:
    assert "is not a valid plugin name" in zenowasm("plugin", "new", "No Name", "--lang", "c").error
    zenowasm("plugin", "new", "parrot", "--lang", "go", "--dir", "here")
    again = zenowasm("plugin", "new", "parrot", "--lang", "c", "--dir", "here")
    assert (again.code, again.error) == (1, "here/parrot already exists and was not changed")
    assert zenowasm("plugin", "new", "parrot", "--lang", "cobol").code == 2
    assert zenowasm("plugin", "build", "nowhere").code == 1
    lost = zenowasm("plugin", "build", "here/parrot", "--lang", "rust")
    assert (lost.code, lost.error) == (1, "here/parrot has no sources to build: expected *.rs, Cargo.toml")


def test_a_plugin_is_debugged_in_the_lines_of_its_source(zenowasm, tmp_path) -> None:
    zenowasm("plugin", "new", "parrot", "--lang", "c")
    assert zenowasm("plugin", "build", "parrot", "--compiler", "zig").code == 0
    without = zenowasm("debug", "parrot/test.zl", "--plugin-dir", ".", "--break", "plugin.c:1")
    assert "no plugin that ran has a line plugin.c:1" in without.error
    assert zenowasm("plugin", "build", "parrot", "--compiler", "zig", "--debug").code == 0
    source = (tmp_path / "parrot" / "plugin.c").read_text().splitlines()
    line = next(number for number, text in enumerate(source, 1) if "zeno_run" in text) + 1
    commands = ("-x", "locals", "-x", "list", "-x", "next", "-x", "continue")
    debugged = zenowasm("debug", "parrot/test.zl", "--plugin-dir", ".", "--break", f"plugin.c:{line}", *commands)
    assert debugged.code == 0
    lines = debugged.out.splitlines()
    assert lines[0].startswith("breakpoint 1 at zeno_run")
    assert "Hello, World!" in debugged.out
    shown = [text.removeprefix("=>").strip() for text in lines if text.startswith("=>")]
    numbers = [int(text.split()[0]) for text in shown]
    assert numbers[0] >= line and numbers[-1] > numbers[0]
    assert all(source[number - 1].strip() in text for number, text in zip(numbers, shown, strict=True))
    _debug_in_an_editor(tmp_path, line)


def _debug_in_an_editor(folder: Path, line: int) -> None:
    """Stop the plugin that was built, look into a structure, step over, into and out, and go on to the end."""
    connected = Connected()
    client = connected.client
    launch = {"program": str(folder / "parrot" / "test.zl"), "pluginDir": str(folder)}
    client.start(launch, lines=(folder / "parrot" / "plugin.c", [line]))
    reason, where = client.where().split()
    stopped = int(where.removeprefix("zeno_run:"))
    assert reason == "breakpoint" and stopped >= line
    slot = client.variables(client.scope("Variables"))["slot"]
    assert client.variables(slot["variablesReference"])["length"]["value"] == str(len("parrot.greet"))
    after = int(client.goes("next").removeprefix("step zeno_run:"))
    assert after > stopped
    while not (entered := client.goes("stepIn")).startswith("step zeno_put"):
        assert entered
    assert client.goes("stepOut").startswith("step zeno_")
    client("setBreakpoints", source={"path": str(folder / "parrot" / "plugin.c")}, breakpoints=[])
    client("continue", threadId=1)
    assert client.event("exited") == {"exitCode": 0}
    assert client.output() == "[INFO]: Hello, World!\n"
    connected.close()
