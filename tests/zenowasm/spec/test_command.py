import json
import re
from types import SimpleNamespace

import pytest

from zenowasm.cli.main import main
from zenowasm.spec import isolation
from zenowasm.spec.runner import Status

GOOD = '(module (func (export "f") (result i32) (i32.const 1)))\n(assert_return (invoke "f") (i32.const 1))\n'


@pytest.fixture
def scripts(tmp_path):
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "good.wast").write_text(GOOD)
    return folder


@pytest.fixture
def run(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            main(["spec", *map(str, arguments)])
        output = capsys.readouterr()
        return SimpleNamespace(exit_code=end.value.code, stdout=output.out, stderr=output.err)

    return run


def test_success(run, scripts):
    done = run(scripts / "good.wast", "--backend", "reference", "--backend", "wasmtime", "--jobs", 1)
    assert (done.exit_code, done.stderr) == (0, "")
    total = done.stdout.split()[-10:]
    assert [total[:4], total[5:9]] == [["2", "0", "0", "0"]] * 2


def test_failures_and_reports(run, scripts, tmp_path):
    (scripts / "wrong.wast").write_text(GOOD.replace("(i32.const 1))\n", "(i32.const 2))\n"))
    (scripts / "broken.wast").write_text("(module")
    junit, html = tmp_path / "r.xml", tmp_path / "r.html"
    done = run(scripts, "--failures", "--junit", junit, "--html", html)
    assert done.exit_code == 1
    assert f"{scripts / 'wrong.wast'}:2: reference: assert_return: expected" in done.stdout
    assert f"{scripts / 'broken.wast'}:0: reference: script: " in done.stdout
    assert "wrong.wast" in junit.read_text()
    page = html.read_text()
    assert "wrong.wast" in page
    assert re.search(r"<dt>date</dt><dd>\d{4}-\d\d-\d\d \d\d:\d\d UTC</dd>", page)
    assert "<dt>command</dt><dd>zenowasm spec " in page
    assert "1 not readable" in page


def test_a_script_that_cannot_be_read_is_not_one_failed_command(run, scripts):
    (scripts / "good.wast").write_text("(module (func (i64.add128)))\n" * 100)
    done = run(scripts, "--json")
    (result,) = json.loads(done.stdout)["backends"]
    assert (done.exit_code, result["failed"], result["unreadable"]) == (1, 0, 1)


def test_the_suites_identity_is_in_the_page(run, scripts, tmp_path):
    run(scripts, "--html", tmp_path / "r.html")
    assert re.search("<dt>suite</dt><dd>SHA-256 of 1 scripts: [0-9a-f]{64}</dd>", (tmp_path / "r.html").read_text())


def test_json(run, scripts):
    done = run(scripts, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["backends"][0]["passed"] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "Missing argument"),
        (["nowhere.wast"], 2, "does not exist"),
        (["."], 2, "no .wast files"),
        (["good.wast", "--backend", "nonsense"], 1, "unknown backend 'nonsense'"),
        (["good.wast", "--html", "nowhere/x.html"], 1, "nowhere"),
    ],
)
def test_errors_are_for_the_user(run, tmp_path, monkeypatch, arguments, code, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "good.wast").write_text(GOOD)
    monkeypatch.chdir(tmp_path / "folder" if arguments == ["."] else tmp_path)
    done = run(*arguments)
    assert done.exit_code == code
    assert words in done.stderr
    assert done.stdout == ""


def test_an_engine_that_kills_its_process_fails_one_script(scripts, monkeypatch):
    for name in ("a.wast", "b.wast"):
        (scripts / name).write_text(GOOD)
    monkeypatch.setattr(isolation, "_work", _die_on_b)
    results = {it.path.stem: it for it in isolation.run_files(sorted(scripts.iterdir()), "reference", 2)}
    assert results["b"].outcomes[0].reason == "the engine ended its process with exit code 7"
    assert [results[it].count(Status.PASS) for it in ("a", "b", "good")] == [2, 0, 2]


def _die_on_b(pipe, backend):
    import os

    while True:
        path = pipe.recv()
        if path.stem == "b":
            os._exit(7)
        pipe.send(isolation.run_file(path, backend))
