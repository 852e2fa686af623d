"""``zenowasm demo``."""

from __future__ import annotations


def test_it_shows_what_each_engine_makes_of_the_script(zenowasm) -> None:
    result = zenowasm("demo")
    assert (result.code, result.err) == (0, "")
    assert "The engines agree." in result.out
    assert result.out.count("Hello, World!") >= 4


def test_it_is_saved_and_then_runs(zenowasm, tmp_path) -> None:
    folder = tmp_path / "new"
    saved = zenowasm("demo", "--save", folder)
    assert saved.out == f"run it: zenowasm run {folder}/hello.zl --plugin-dir {folder}/plugins\n"
    assert zenowasm("run", folder / "hello.zl", "--plugin-dir", folder / "plugins").out == "[INFO]: Hello, World!\n"
    again = zenowasm("demo", "--save", folder)
    assert (again.code, again.out) == (1, "")
    assert again.err == f"error: cannot save the demonstration: {folder} has a hello.zl or a folder plugins already\n"
