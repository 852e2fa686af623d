"""``zenowasm profile`` of a script, a module and a recording."""

from __future__ import annotations

import json

from support.debugged import divide, shop_plugin


def test_a_script_and_its_recording_have_the_same_profile(zenowasm, tmp_path, write) -> None:
    script, plugins = write("shop.zl", "shop.total {}\nlog: $total\n"), shop_plugin(tmp_path / "plugins")
    files = ("--speedscope", "p.json", "--trace", "t.json", "--timeline", "l.json")
    done = zenowasm("profile", script, "--plugin-dir", plugins, *files)
    assert (done.code, done.err) == (0, "[shop] info: shop.total\n")
    lines = done.out.splitlines()
    assert lines[0] == "[LOG]: 26"
    assert lines[2].split() == ["150", "42.7%", "150", "42.7%", "1", "total", "at", "shop_plugin.c:24"]
    assert lines[-1].split()[0] == "351"
    read = {name: json.loads((tmp_path / name).read_text()) for name in ("p.json", "t.json", "l.json")}
    assert read["p.json"]["name"] == str(script) and read["p.json"]["profiles"][0]["endValue"] == 351
    assert any(it["name"] == "total" and it["dur"] == 150 for it in read["t.json"]["traceEvents"])
    assert any(it["name"] == "slot shop.total" for it in read["l.json"]["traceEvents"])
    assert zenowasm("run", script, "--plugin-dir", plugins, "--record", "shop.zr").code == 0
    replayed = zenowasm("profile", "--replay", "shop.zr")
    assert replayed.out.splitlines()[1:] == lines[1:]


def test_a_run_that_fails_is_reported_and_the_fuel_is_that_of_exec(zenowasm) -> None:
    result = zenowasm("profile", divide(), "run", "0")
    assert result.code == 1 and result.error.startswith("integer divide by zero (in divide at byte ")
    assert " divide at divide.c:1\n" in result.out
    whole = zenowasm("profile", divide(), "run", "5", "--top", "1").out.splitlines()
    fuel = zenowasm("exec", divide(), "run", "5", "--json").json["fuel"]
    assert len(whole) == 4 and whole[-1].split()[0] == str(fuel)


def test_files_that_cannot_be_written(zenowasm, module) -> None:
    for option in ("--speedscope", "--trace", "--timeline"):
        failed = zenowasm("profile", option, "no/file", module, "add", "1", "2")
        assert failed.error == "cannot write no/file: No such file or directory"
