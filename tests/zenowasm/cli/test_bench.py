import json
import subprocess
import sys

import pyperf
import pytest

from zenowasm import svg
from zenowasm.bench.engines.wasm3 import Wasm3
from zenowasm.bench.engines.wasmtime_py import WasmtimePy
from zenowasm.bench.markdown import BEGIN, END
from zenowasm.cli.main import main


def run(*arguments):
    command = [sys.executable, "-m", "zenowasm", "bench", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def in_process(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["bench", *map(str, arguments)])
    return ended.value.code, capsys.readouterr()


def test_a_run_with_its_document(tmp_path):
    document = tmp_path / "bench.json"
    engines = ("--engine", "reference", "--engine", "wasmtime", "--engine", "extism")
    done = run("--quick", "--rounds", 2, "--only", "fib", "--only", "slot", *engines, "--json", document)
    assert (done.returncode, done.stderr) == (0, "")
    for shown in ("CPU: ", "load at the start: ", "wasmtime", "M instr/s", "Warm slot calls", "of extism", "p99"):
        assert shown in done.stdout
    names = pyperf.BenchmarkSuite.load(str(document)).get_benchmark_names()
    assert names[:2] == ["fib/reference", "fib/wasmtime"]
    assert set(names[2:]) == {f"slot-{n}/{it}" for n in (1, 4, 8) for it in ("reference", "wasmtime", "extism")}
    assert all(it["threads"] in (1, 4, 8) for it in json.loads(document.read_text())["zenowasm"]["latencies"])


def test_a_report_and_a_page(capsys, tmp_path):
    html, page = tmp_path / "bench.html", tmp_path / "benchmarks.md"
    page.write_text(f"head\n{BEGIN}\n{END}\nfoot\n")
    few = ("--quick", "--rounds", 1, "--only", "call_in", "--engine", "reference")
    code, output = in_process(capsys, *few, "--html", html, "--docs", page)
    assert (code, output.err) == (0, "")
    assert "<svg" in html.read_text()
    assert "| call_in | reference |" in page.read_text()
    assert page.read_text().startswith("head\n")


def test_a_page_without_marks_is_refused_before_anything_is_measured(capsys, tmp_path):
    page = tmp_path / "benchmarks.md"
    page.write_text("head\n")
    code, output = in_process(capsys, "--docs", page)
    assert (code, output.out, page.read_text()) == (2, "", "head\n")
    assert "the page has no lines" in output.err


def test_html_needs_pygal(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(svg, "is_installed", lambda: False)
    code, output = in_process(capsys, "--html", tmp_path / "a.html")
    assert (code, output.out) == (1, "")
    assert output.err == "error: --html needs the package 'pygal': run `pip install 'zenowasm[bench]'`\n"


def test_the_list():
    done = run("--list")
    assert done.returncode == 0
    for name in ("fib ", "json ", "quickjs ", "call_in ", "slot ", "start ", "reference ", "v8 ", "extism-bare "):
        assert any(line.startswith(name) for line in done.stdout.splitlines()), name


def test_absent_peers_are_named(capsys, monkeypatch):
    monkeypatch.setattr(Wasm3, "version", lambda self: None)
    code, output = in_process(capsys, "--quick", "--only", "call_in", "--engine", "reference", "--engine", "wasm3")
    assert (code, output.err) == (0, "")
    assert "wasm3 is absent: pip install pywasm3" in output.out
    assert "wasm3" not in output.out.split("is absent")[0].split("call_in")[1].rsplit("\n", 1)[0]


def test_engines_that_disagree_end_the_run(capsys, monkeypatch):
    class Wrong:
        def call(self, argument):
            return 41

    monkeypatch.setattr(WasmtimePy, "instantiate", lambda self, module, stack: Wrong())
    code, output = in_process(capsys, "--quick", "--only", "fib", "--engine", "reference", "--engine", "wasmtime-py")
    assert code == 1
    assert output.out == ""
    expected = "fib(14): the engines disagree: reference answered 0x179; wasmtime-py answered 0x29; the known result"
    assert output.err.startswith(f"error: {expected}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--only", "nonsense"), "unknown group 'nonsense': choose from loop, fib, "),
        (("--engine", "nonsense"), "unknown engine or host 'nonsense': choose from reference, wasmtime, "),
        (("--list", "--engine", "nonsense"), "unknown engine or host 'nonsense'"),
        (("--engine", "wasmtme"), "unknown engine or host 'wasmtme': did you mean wasmtime?"),
        (("--only", "sloot"), "unknown group 'sloot': did you mean slot?"),
        (("--rounds", "0"), "0 is not in the range x>=1"),
    ],
)
def test_wrong_usage(capsys, arguments, message):
    code, output = in_process(capsys, *arguments)
    assert code == 2
    assert message in output.err


def test_a_file_that_cannot_be_written(capsys, tmp_path):
    code, output = in_process(
        capsys,
        "--quick",
        "--rounds",
        1,
        "--only",
        "call_in",
        "--engine",
        "reference",
        "--json",
        tmp_path / "no" / "file",
    )
    assert code == 1
    assert "cannot write" in output.err


def test_nothing_of_it_is_imported_by_the_package():
    code = "import sys, zenowasm, zenowasm.cli.main; zenowasm.Host; print([it for it in sys.modules if 'bench' in it])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
