import sys
from pathlib import Path

import pytest
from support.suite import suite_folder

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def soak(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)
    import soak

    yield soak
    sys.modules.pop("soak")


def test_memory_does_not_grow(soak):
    """A run that kept its store, or the syntax of the script, would keep much more than this."""
    before, after = soak.soak(suite_folder() / soak.SCRIPT, "reference", 10)
    assert after.traced - before.traced < 300_000


def test_figures_are_printed(soak, tmp_path, capsys):
    script = tmp_path / "a.wast"
    script.write_text("(module)")
    assert soak.main(["--script", str(script), "--repeats", "2"]) == 0
    assert "Python's objects: " in capsys.readouterr().out


def test_a_failing_script_is_an_error(soak, tmp_path, capsys):
    script = tmp_path / "a.wast"
    script.write_text('(assert_return (invoke "f"))')
    assert soak.main(["--script", str(script)]) == 1
    assert f"error: {script}:1: " in capsys.readouterr().err
