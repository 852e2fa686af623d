"""``Host(record=...)`` on every engine: real plugins with their servers, replayed on the reference engine without."""

from __future__ import annotations

import json
import sys
import threading
from shutil import copytree

import pytest
from support.web import serving

from zenowasm import Host
from zenowasm.backends import registry
from zenowasm.plugin import HostEnvironment
from zenowasm.recordings.errors import DivergenceError, RecordingError
from zenowasm.recordings.events import Write
from zenowasm.recordings.recorder import Recorder
from zenowasm.recordings.recording import Recording
from zenowasm.recordings.replaying import replay
from zenowasm.resources.databases.connections import Databases, DatabaseSettings
from zenowasm.resources.http.client import HttpClient

SECRET = "s3cret-of-the-production"
MORE_CALLS = {"wasmtime": 16, "reference": 35}
"""Python calls that recording adds to one ``hello.greet``: four calls into the guest, two host calls, three writes,
four reads, and the size of the memory; on the reference engine also budgets and fuel."""
MOST_BYTES = 200


@pytest.fixture
def record(backend, tmp_path):
    """Opens a host whose plugins are recorded."""

    def open_(folder, **options):
        options = {"environment": HostEnvironment({}), "log": lambda _: None, **options}
        return Host(folder, backend=backend, record=tmp_path / "host.zr", **options)

    return open_


@pytest.fixture
def hello(root, tmp_path):
    """A folder with the plugin hello alone."""
    copytree(root / "examples" / "plugins" / "hello", tmp_path / "plugins" / "hello")
    return tmp_path / "plugins"


@pytest.fixture
def replayed(tmp_path):
    def run(on_store=None):
        with Recording(tmp_path / "host.zr") as recording:
            done = replay(recording, registry.engine("reference"), on_store)
            assert done.complete
            return done

    return run


def test_a_script_with_a_plugin(record, replayed, root, hello):
    with record(hello) as host:
        variables = host.run_script(root / "examples" / "hello.zl", output=lambda _: None)
    owners = []
    done = replayed(lambda owner, store: owners.append((owner, type(store).__name__)))
    assert variables["message"] == "Hello, World!"
    assert owners == [("hello", "ReferenceStore")]
    # plugin_init, plugin_register_slots, alloc three times, plugin_execute, plugin_cleanup
    assert (done.calls, done.host_calls) == (7, 2)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_plugin_with_http_and_a_database(record, replayed, bench, guest, database, tmp_path, request):
    url = f"sqlite:///{tmp_path}/test.db" if database == "sqlite" else request.getfixturevalue("postgres_url")
    query = json.dumps({"connection": "main", "sql": "SELECT 40 + 2 AS answer"})
    with serving() as web, HttpClient() as http:
        web.answers["/"] = lambda handler: handler.respond(200, b'{"from":"the server"}')
        asked = json.dumps({"method": "GET", "url": web.url()})
        made = guest(
            imports='(import "env" "host_http_request" (func $http (param i32 i32) (result i32)))'
            '(import "env" "host_db_query" (func $db (param i32 i32) (result i32)))',
            text=query + asked,
            execute=f"(drop (call $http (i32.const {4096 + len(query)}) (i32.const {len(asked)})))"
            f"(call $db (i32.const 4096) (i32.const {len(query)}))",
        )
        bench.write(made, permissions={"network": [web.url("/*")], "database": ["main"]})
        databases = Databases({"main": DatabaseSettings(url)})
        with record(bench.folder, http=http, databases=databases) as host:
            data = host.call("guest.run")
        databases.close()
        requests = len(web.seen)
    assert data["rows"] == [{"answer": 42}]
    done = replayed()  # the server is gone
    assert (requests, done.host_calls) == (1, 2)


def test_instances_in_several_threads(record, replayed, hello):
    with record(hello) as host:

        def work():
            for number in range(10):
                assert host.call("hello.greet", name=f"World {number}")["message"] == f"Hello, World {number}!"

        threads = [threading.Thread(target=work) for _ in range(4)]
        for it in threads:
            it.start()
        for it in threads:
            it.join()
    done = replayed()
    assert done.host_calls == 80
    assert done.calls == 40 * 4 + 3 * done.stores


def test_a_plugin_that_traps_is_recorded_to_the_end(record, replayed, bench, guest):
    bench.write(guest(execute="unreachable"))
    with record(bench.folder) as host:
        for _ in range(2):
            with pytest.raises(Exception, match="unreachable"):
                host.call("guest.run")
    assert replayed().stores == 2


def echoing(guest, function="host_env_get", text="API_KEY", **changes):
    return guest(
        imports=f'(import "env" "{function}" (func $host (param i32 i32) (result i32)))',
        text=text,
        execute=f"(drop (call $host (i32.const 4096) (i32.const {len(text)}))) (i32.const 65536)",
        **changes,
    )


def contents(path):
    with Recording(path) as recording:
        for store in recording.stores:
            for event in recording.events(store):
                yield event.data if isinstance(event, Write) else str(event).encode()


def test_secrets_are_not_in_the_recording(record, replayed, bench, guest, tmp_path):
    config = "config:\n  key: {env: API_KEY}\n  number: {env: ACCOUNT, type: integer}\n"
    bench.write(echoing(guest), permissions={"env": ["API_KEY", "LONG"]}, more=config)
    secrets = {"API_KEY": SECRET, "ACCOUNT": "123456789012", "LONG": "x" * 5000}
    with record(bench.folder, environment=HostEnvironment(secrets)) as host:
        host.call("guest.run", key=f"the key {SECRET}", long=secrets["LONG"])
    found = b"\n".join(contents(tmp_path / "host.zr"))
    assert not [name for name, value in secrets.items() if value.encode() in found]
    masked = b'"context":{"config":{"key":"' + b"*" * len(SECRET) + b'","number":111111111111}}'
    assert masked in found
    assert b"the key " + b"*" * len(SECRET) in found
    assert replayed().host_calls == 1


def test_a_guest_that_depends_on_a_secret_diverges_and_is_told_why(record, replayed, bench, guest):
    made = guest(
        imports='(import "env" "host_env_get" (func $host (param i32 i32) (result i32)))'
        '(import "env" "host_log" (func $log (param i32 i32 i32 i32)))',
        text="API_KEY",
        execute="(call $log (i32.const 0) (i32.const 0) (i32.const 0)"
        " (i32.load8_u (call $host (i32.const 4096) (i32.const 7)))) (i32.const 65536)",
    )
    bench.write(made, permissions={"env": ["API_KEY"]})
    with record(bench.folder, environment=HostEnvironment({"API_KEY": SECRET})) as host:
        host.call("guest.run")
    with pytest.raises(DivergenceError) as found:
        replayed()
    assert found.value.recorded == f"the host call env.host_log(0, 0, 0, {ord(SECRET[0])})"
    assert found.value.replayed == f"the host call env.host_log(0, 0, 0, {ord('*')})"
    assert "received a mask for <redacted:API_KEY>, which may be the reason" in str(found.value)


def calls_of(action):
    """The number of Python calls outside the interpreter."""
    count = 0

    def see(frame, event, argument):
        nonlocal count
        count += event == "call" and "/interp/" not in frame.f_code.co_filename

    sys.setprofile(see)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


def test_the_work_and_the_bytes_of_a_call(backend, hello, tmp_path):
    options = {"backend": backend, "environment": HostEnvironment({}), "log": lambda _: None}
    recorder = Recorder(tmp_path / "host.zr")
    with Host(hello, **options) as plain, Host(hello, record=recorder, **options) as recorded:
        for host in (plain, recorded):
            for _ in range(3):
                host.call("hello.greet", name="World")
        counts = [calls_of(lambda host=host: host.call("hello.greet", name="World")) for host in (plain, recorded)]
        assert counts[1] - counts[0] <= MORE_CALLS[backend], counts
        recorder.flush()
        before = (tmp_path / "host.zr").stat().st_size
        for number in range(100):
            recorded.call("hello.greet", name=f"World {number}")
        recorder.flush()
        grown = (tmp_path / "host.zr").stat().st_size - before
        recorded.call("hello.greet", name="World")  # each flush writes a frame
        recorder.flush()
        alone = (tmp_path / "host.zr").stat().st_size - before - grown
    assert grown / 100 < MOST_BYTES / 2  # the data included
    assert alone < 2 * MOST_BYTES
    recorder.close()


def test_a_recorder_that_is_given_stays_open(backend, hello, tmp_path):
    with Recorder(tmp_path / "both.zr") as recorder:
        for _ in range(2):
            with Host(hello, backend=backend, record=recorder, log=lambda _: None) as host:
                host.call("hello.greet", name="World")
    with Recording(tmp_path / "both.zr") as recording:
        assert replay(recording, registry.engine("reference")).stores == 2


def test_a_recording_that_cannot_be_written(backend, hello, tmp_path):
    with pytest.raises(RecordingError, match="cannot write the recording"):
        Host(hello, backend=backend, record=tmp_path)
