"""The fixtures for people who test their plugins, as pytest runs them in a folder of theirs."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys

from support.debugged import shop_plugin

from zenowasm.backends import registry


def test_a_call_runs_on_every_engine(author) -> None:
    author.makepyfile(
        """
        def test_greets(zeno_call, zeno_log, zeno_backend):
            assert zeno_call("hello.greet", name=zeno_backend) == {"message": f"Hello, {zeno_backend}!"}
            assert zeno_log.messages("info") == [f"Greeting: Hello, {zeno_backend}!"]
            zeno_log.assert_logged("Greeting", "info")
            zeno_log.assert_silent("error")
            zeno_log.clear()
            zeno_log.assert_silent()
        """
    )
    result = author.runpytest("-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([f"*test_greets?{name}? PASSED*" for name in registry.installed()])


def test_an_engine_can_be_chosen(author) -> None:
    author.makepyfile("def test_it(zeno_host, zeno_backend):\n    assert zeno_host.plugins['hello']")
    author.runpytest("--zeno-backend", "reference").assert_outcomes(passed=1)
    result = author.runpytest("--zeno-backend", "nonsense")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*unknown backend 'nonsense'*"])


def test_the_folder_can_be_one_plugin_and_come_from_the_settings(author) -> None:
    author.makeini("[pytest]\nzenowasm_plugin_dir = plugins/hello\n")
    author.makepyfile("def test_it(zeno_host):\n    assert list(zeno_host.slots) == ['hello.greet', 'hello.log']")
    author.runpytest("--zeno-backend", "reference").assert_outcomes(passed=1)


def test_a_plugin_that_cannot_be_loaded_is_an_error_that_says_why(author) -> None:
    (author.path / "plugins" / "hello" / "hello.wasm").write_bytes(b"no module")
    author.makepyfile("def test_it(zeno_host):\n    pass")
    result = author.runpytest("--zeno-backend", "reference")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*LoadError: failed to load WASM module*"])


def test_a_folder_without_plugins_is_an_error(author) -> None:
    author.makepyfile("def test_it(zeno_host):\n    pass")
    result = author.runpytest("--zeno-backend", "reference", "-o", "zenowasm_plugin_dir=nothing")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*has no plugins: set zenowasm_plugin_dir*"])


def test_what_a_test_does_not_ask_for_is_not_there(asking) -> None:
    asking.makepyfile(
        """
        def test_nothing(ask, zeno_audit):
            assert ask("http_request", {"url": "https://api.example.com/v1/x"})["error"] == "HTTP access not available"
            query = {"connection": "main", "sql": "SELECT 1"}
            error = "database connection not found: main (this test does not use the fixture zeno_database)"
            assert ask("db_query", query)["error"] == error
            assert ask("env_get", "ASKER_WORD") == {"text": ""}
            assert [it.function for it in zeno_audit] == ["http_request", "db_query", "env_get"]
            assert [it.decision for it in zeno_audit] == ["unavailable", "failed", "allowed"]
        """
    )
    asking.runpytest().assert_outcomes(passed=2)


def test_the_environment_is_the_tests_own(asking, monkeypatch) -> None:
    monkeypatch.setenv("ASKER_WORD", "of the process")
    asking.makepyfile(
        """
        import pytest

        @pytest.fixture
        def zeno_env():
            return {"ASKER_WORD": "polly"}

        def test_env(ask):
            assert ask("env_get", "ASKER_WORD") == {"text": "polly"}
        """
    )
    asking.runpytest().assert_outcomes(passed=2)


def test_files_and_the_database_are_the_tests_own(asking) -> None:
    asking.makepyfile(
        """
        def test_files(ask, zeno_files):
            (zeno_files / "data").mkdir()
            assert ask("file_write", {"path": "data/a.txt", "content": "A"}) == {"done": True}
            assert (zeno_files / "data" / "a.txt").read_text() == "A"
            assert ask("file_read", "data/a.txt")["data"] == {"content": "A"}
            assert ask("file_write", {"path": "b.txt", "content": "B"}) == {"done": False}

        def test_database(ask, zeno_database):
            zeno_database.execute("CREATE TABLE t (x)")
            insert = {"connection": "main", "sql": "INSERT INTO t VALUES (?)", "params": [7]}
            assert ask("db_query", insert)["success"]
            assert zeno_database.rows("SELECT x FROM t WHERE x > ?", 5) == [(7,)]
            assert not ask("db_query", {**insert, "connection": "other"})["success"]
        """
    )
    asking.runpytest().assert_outcomes(passed=4)


def test_requests_arrive_at_the_stand_in_if_the_manifest_permits_them(asking) -> None:
    asking.makepyfile(
        """
        URL = "https://api.example.com/v1/things"

        def test_web(ask, zeno_http):
            zeno_http.route("POST", URL, status=201, json={"id": 1}, headers={"X-Seen": "yes"})
            request = {"method": "POST", "url": URL + "?a=b", "headers": {"X-Key": "k"}, "body": {"n": 1}}
            data = ask("http_request", request)["data"]
            assert (data["status"], data["body"], data["headers"]["X-Seen"]) == (201, {"id": 1}, "yes")
            (seen,) = zeno_http.requests
            assert (seen.method, seen.url, seen.path, seen.query) == ("POST", URL + "?a=b", "/v1/things", {"a": "b"})
            assert (seen.json, seen.headers["x-key"]) == ({"n": 1}, "k")
            assert "zenowasm-origin" not in seen.headers

        def test_no_route_and_a_route_for_every_host(ask, zeno_http):
            assert ask("http_request", {"url": URL})["data"]["status"] == 404
            zeno_http.route("GET", "/v1/things", text="here")
            assert ask("http_request", {"url": URL})["data"]["body"] == "here"

        def test_denied(ask, zeno_http, zeno_audit):
            for url in ("https://api.example.com/v2", "http://api.example.com/v1/a", zeno_http.origin + "/v1/a"):
                assert "does not have permission" in ask("http_request", {"url": url})["error"]
            assert zeno_http.requests == []
            assert {it.decision.value for it in zeno_audit} == {"denied"}

        def test_redirects(ask, zeno_http):
            zeno_http.route("GET", URL, status=302, headers={"Location": "/v1/there"})
            zeno_http.route("GET", "https://api.example.com/v1/there", text="there")
            assert ask("http_request", {"url": URL})["data"]["body"] == "there"
            for away in ("/v2", "https://other.example.com/v1/x", "https://api.example.com/v1/x"):
                zeno_http.route("GET", URL, status=302, headers={"Location": away})
                assert "request failed: " in ask("http_request", {"url": URL})["error"]
        """
    )
    asking.runpytest("--zeno-backend", "reference").assert_outcomes(passed=4)


def test_settings_bound_plugins_in_a_test(author) -> None:
    author.makepyfile(
        """
        import pytest
        from zenowasm.plugin.errors import FuelLimitError

        @pytest.fixture
        def zeno_settings():
            return {"plugins": {"hello": {"limits": {"max_fuel": 900}}}}

        def test_fuel(zeno_call):
            with pytest.raises(FuelLimitError, match="the limit of 900 units"):
                zeno_call("hello.greet", name="x" * 1000)
        """
    )
    author.runpytest().assert_outcomes(passed=2)


def test_engines_that_agree(asking) -> None:
    asking.makepyfile(
        """
        import json
        import pytest
        from zenowasm.plugin import PluginError

        def test_agrees(zeno_same_everywhere, zeno_http, zeno_files, zeno_database):
            (zeno_files / "data").mkdir()
            zeno_database.execute("CREATE TABLE t (x)")
            def ask(function, request):
                return zeno_same_everywhere("asker.ask", function=function, request=json.dumps(request))
            assert ask("file_write", {"path": "data/a", "content": "A"}) == {"done": True}
            insert = {"connection": "main", "sql": "INSERT INTO t VALUES (1)"}
            assert ask("db_query", insert)["reply"]["data"]["affected"] == 1
            count = {"connection": "main", "sql": "SELECT count(*) AS n FROM t"}
            assert ask("db_query", count)["reply"]["data"]["rows"] == [{"n": 1}]
            assert ask("http_request", {"url": "https://api.example.com/v1/a"})["reply"]["data"]["status"] == 404
            assert len(zeno_http.requests) == 2
            assert not (zeno_files / "data" / "a").exists()  # each engine has its own
            with pytest.raises(PluginError, match="plugin nothing not loaded"):
                zeno_same_everywhere("nothing.here")
        """
    )
    asking.runpytest().assert_outcomes(passed=1)


def test_engines_that_differ_are_told_apart(author) -> None:
    author.makeconftest(
        """
        import pytest
        from zenowasm.plugin import Host

        @pytest.fixture(autouse=True)
        def differs(monkeypatch):
            call = Host.call
            def other(host, slot, parameters):
                name = host.manager.engine.name
                return call(host, slot, {**parameters, "name": name})
            monkeypatch.setattr(Host, "call", other)
        """
    )
    author.makepyfile("def test_it(zeno_same_everywhere):\n    zeno_same_everywhere('hello.greet')")
    result = author.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*hello.greet: data.message: reference has 'Hello, reference!', wasmtime has 'Hello, wasmtime!'*"]
    )


def test_a_run_that_tests_no_plugins_imports_nothing_of_zenowasm() -> None:
    code = (
        "import sys, zenowasm.testing.pytest_plugin; "
        "print([it for it in sys.modules if it.startswith('zenowasm.')], 'attrs' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "['zenowasm.testing', 'zenowasm.testing.pytest_plugin'] False"


COUNTING = """
from pathlib import Path
from zenowasm.backends.reference import ReferenceEngine
from zenowasm.backends.wasmtime.engine import Engine

compiled = []

def count(engine):
    compile_ = engine.compile
    def counted(self, binary, limits=None):
        compiled.append((self.name, len(binary)))
        return compile_(self, binary, limits)
    engine.compile = counted

count(ReferenceEngine)
count(Engine)

def pytest_sessionfinish():
    Path("compiled").write_text(repr(compiled))
"""
SEVERAL_TESTS = """
import asyncio
import pytest

@pytest.mark.parametrize("number", range(4))
def test_calls(zeno_call, number):
    assert zeno_call("hello.greet", name=str(number)) == {"message": f"Hello, {number}!"}

def test_awaits(zeno_host):
    assert asyncio.run(zeno_host.call_async("hello.greet", name="a"))["message"] == "Hello, a!"

def test_runs_a_script(zeno_host):
    assert zeno_host.run_script('hello.greet { name: "b" }')["message"] == "Hello, b!"

def test_settings(zeno_host, zeno_log):
    zeno_log.assert_silent()

def test_agrees(zeno_same_everywhere):
    zeno_same_everywhere("hello.greet", name="c")
"""


def compilations(author, tests) -> list[tuple[str, int]]:
    """What a run of pytest compiles: pairs of an engine and a binary's size."""
    author.makeconftest(COUNTING)
    author.makepyfile(tests)
    assert author.runpytest_subprocess().ret == 0
    found: list[tuple[str, int]] = ast.literal_eval((author.path / "compiled").read_text())
    return sorted(found)


def add_asker(author, asker) -> int:
    """Put a second plugin there; return the size of its binary."""
    shutil.copytree(asker, author.path / "plugins" / "asker")
    return (asker / "asker.wasm").stat().st_size


def test_only_plugins_that_are_called_are_compiled_and_each_once_in_a_run(author, asker) -> None:
    add_asker(author, asker)
    size = (author.path / "plugins" / "hello" / "hello.wasm").stat().st_size
    author.makeini("[pytest]\nfilterwarnings = error\n")
    expected = sorted((name, size) for name in registry.installed())
    assert compilations(author, SEVERAL_TESTS) == expected


def test_whoever_asks_for_all_plugins_gets_all(author, asker) -> None:
    sizes = [add_asker(author, asker), (author.path / "plugins" / "hello" / "hello.wasm").stat().st_size]
    tests = "def test_all(zeno_host):\n    assert list(zeno_host.plugins) == ['asker', 'hello']\n"
    tests += "    assert 'asker.ask' in zeno_host.slots and not zeno_host.problems\n"
    assert compilations(author, tests) == sorted((name, size) for name in registry.installed() for size in sizes)


def test_a_slot_may_be_in_a_plugin_of_another_name(author, asker) -> None:
    add_asker(author, asker)
    folder = author.path / "plugins" / "hello"
    (folder / "manifest.yaml").write_text((folder / "manifest.yaml").read_text().replace("name: hello", "name: zebra"))
    author.makepyfile(
        """
        import pytest
        from zenowasm import PluginError

        def test_calls(zeno_call):
            assert zeno_call("hello.greet", name="x") == {"message": "Hello, x!"}

        def test_unknown(zeno_call):
            with pytest.raises(PluginError, match="plugin nobody not loaded"):
                zeno_call("nobody.home")
        """
    )
    author.runpytest("--zeno-backend", "reference").assert_outcomes(passed=2)


def test_a_broken_plugin_beside_others_fails_the_tests_that_call_it(author, asker) -> None:
    add_asker(author, asker)
    (author.path / "plugins" / "hello" / "hello.wasm").write_bytes(b"no module")
    author.makepyfile(
        "def test_good(zeno_call):\n    zeno_call('asker.ask', function='env_get', request='A')\n"
        "def test_bad(zeno_call):\n    zeno_call('hello.greet', name='x')"
    )
    result = author.runpytest("--zeno-backend", "reference")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*LoadError: failed to load WASM module*"])


def test_the_coverage_of_the_plugins_by_the_tests(author) -> None:
    shop_plugin(author.path / "more")
    author.makeini("[pytest]\nzenowasm_plugin_dir = more\n")
    author.makepyfile(
        """
        import pytest
        def test_total(zeno_call):
            assert zeno_call("shop.total") == {"total": 26}
        def test_again(zeno_call):
            assert zeno_call("shop.total") == {"total": 26}
        """
    )
    result = author.runpytest("--zeno-coverage", "shop.info")
    result.assert_outcomes(passed=2 * len(registry.installed()))
    result.stdout.fnmatch_lines(["coverage of plugins: shop.info"])
    lines = set((author.path / "shop.info").read_text().splitlines())
    assert {"DA:26,10", "DA:27,8", "DA:34,0"} < lines  # twice on the engine reference, and on no other
    failed = author.runpytest("--zeno-coverage", "none/page.html", "--zeno-backend", "reference")
    failed.stdout.fnmatch_lines(["cannot write the coverage of plugins to none/page.html: No such file or directory"])
    none = author.runpytest("--zeno-coverage", "none.info", "--zeno-backend", "wasmtime")
    none.assert_outcomes(passed=2)
    assert not (author.path / "none.info").exists()
