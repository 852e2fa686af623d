"""``zenowasm coverage`` of a script, a module and a recording."""

from __future__ import annotations

import pytest
from support.debugged import divide, shop_plugin

from zenowasm.cli.debugged import run_and_report


def test_a_script_a_module_and_a_recording(zenowasm, tmp_path, write) -> None:
    script, plugins = write("shop.zl", "shop.total {}\nlog: $total\n"), shop_plugin(tmp_path / "plugins")
    given = ("--include", "*/shop_plugin.c", "--top", "1")
    done = zenowasm("coverage", script, "--plugin-dir", plugins, *given, "--lcov", "c.info", "--html", "c.html")
    assert (done.code, done.err) == (0, "[shop] info: shop.total\n")
    lines = done.out.splitlines()
    assert lines[0] == "[LOG]: 26"
    assert lines[2].split()[:3] == ["19/23", "82.6%", "5/6"]
    assert "for (u32 at = 0; at < list->count; at++)" in done.out
    assert {"DA:26,5", "DA:27,4", "DA:34,0"} < set((tmp_path / "c.info").read_text().splitlines())
    assert "average(&amp;list)" in (tmp_path / "c.html").read_text()
    assert zenowasm("run", script, "--plugin-dir", plugins, "--record", "shop.zr").code == 0
    replayed = zenowasm("coverage", "--replay", "shop.zr", *given)
    assert replayed.out.splitlines()[1:] == lines[1:]
    module = zenowasm("coverage", divide(), "run", "5").out
    assert module.startswith("3\n") and module.endswith("total; 4 of 4 functions called\n")


def test_a_run_that_fails_is_reported_too(zenowasm, tmp_path, write) -> None:
    result = zenowasm("coverage", "--lcov", "c.info", divide(), "run", "0")
    assert result.code == 1 and result.error.startswith("integer divide by zero (in divide at byte ")
    assert "4 of 4 functions called" in result.out
    assert "DA:2,1" in (tmp_path / "c.info").read_text()


def test_a_run_that_the_user_interrupts_is_reported_too() -> None:
    class Endless:
        def run(self, on_store: object) -> int:
            raise KeyboardInterrupt

    reports: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        run_and_report(Endless(), lambda owner, store: None, lambda: reports.append("report"))
    assert reports == ["report"]


def test_usage_and_files_that_cannot_be_written(zenowasm, module) -> None:
    assert zenowasm("coverage").code == 2
    assert zenowasm("coverage", module, "fac", "3", "--plugin-dir", ".").code == 2
    assert zenowasm("coverage", module, "--replay", "x", "--dir", ".").code == 2
    for option in ("--lcov", "--html"):
        failed = zenowasm("coverage", option, "no/file", module, "add", "1", "2")
        assert failed.error == "cannot write no/file: No such file or directory"
    plain = zenowasm("coverage", module, "add", "1", "2")
    assert plain.out.splitlines()[1].startswith("note: the source lines of demo are unknown: it has no debugging")
    nothing = zenowasm("coverage", module, "missing")
    assert (nothing.code, nothing.out) == (1, "note: no function of a guest was called\n")
