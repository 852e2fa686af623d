"""How a plugin's process begins, crashes, comes back and ends."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from zenowasm.plugin import Change, PluginLimits
from zenowasm.plugin.errors import OutputLimitError, TimeLimitError
from zenowasm.plugin.sidecar.code import load_sidecar
from zenowasm.plugin.sidecar.errors import (
    SidecarExitedError,
    SidecarGaveUpError,
    SidecarProtocolError,
    SidecarStartError,
)
from zenowasm.plugin.sidecar.keeper import SidecarKeeper

PID = "def pid(request): answer(request, {'pid': os.getpid()})\n"
CRASH = "def crash(request): os._exit(request['parameters'].get('code', 3))\n"
HANG = "def hang(request): time.sleep(3600)\n"
NOISE = "def noise(request): sys.stdout.write(request['parameters']['text']); sys.stdout.flush()\n"
SHORT = {"limits": PluginLimits(seconds=3.0)}


def test_one_process_answers_all_calls_until_the_host_is_closed(sidecars, gone):
    host = sidecars.open(PID, "pid")
    numbers = {host.call("tool.pid")["pid"] for _ in range(5)}
    assert numbers == {sidecars.process(host)}
    assert host.close().clean
    assert gone(numbers.pop())


def test_a_process_that_ignores_the_polite_end_is_killed(sidecars, gone):
    host = sidecars.open(
        PID + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ndef receive(read=receive):\n"
        "    try: return read()\n    except SystemExit: time.sleep(3600)\n",
        "pid",
    )
    number = host.call("tool.pid")["pid"]
    host.close()
    assert gone(number)


def test_the_polite_signal_is_sigterm(sidecars):
    host = sidecars.open(
        PID + "def polite(number, frame):\n    open('ended', 'w').write(signal.Signals(number).name)\n    os._exit(0)\n"
        "for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP): signal.signal(number, polite)\n"
        "def receive(read=receive):\n    try: return read()\n    except SystemExit: time.sleep(3600)\n",
        "pid",
    )
    host.call("tool.pid")
    host.close()
    assert (sidecars.folder / "tool" / "ended").read_text() == "SIGTERM"


def test_a_process_may_end_in_its_own_way(sidecars):
    """The end of its stdin tells it, before any signal."""
    host = sidecars.open(PID + "import atexit\natexit.register(lambda: open('ended', 'w').write('well'))\n", "pid")
    host.close()
    assert (sidecars.folder / "tool" / "ended").read_text() == "well"


def test_what_a_process_started_ends_with_it(sidecars, ends):
    host = sidecars.open(
        "def start_other(request):\n"
        "    other = subprocess.Popen(['sleep', '3600'], stdin=subprocess.DEVNULL)\n"
        "    answer(request, {'pid': other.pid})\n" + CRASH,
        "start_other",
        "crash",
    )
    first = host.call("tool.start_other")["pid"]
    with pytest.raises(SidecarExitedError):
        host.call("tool.crash")
    second = host.call("tool.start_other")["pid"]
    host.close()
    ends(first)
    ends(second)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("os._exit(3)", "failed to call tool.tool.die: the sidecar exited with code 3"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "the sidecar was killed by SIGSEGV"),
        ("sys.exit(0)", "the sidecar exited with code 0"),
        ("os.close(1); time.sleep(3600)", "the sidecar closed its stdout"),
    ],
)
def test_the_end_of_a_process_is_the_error_of_its_call(sidecars, code, error):
    host = sidecars.open(PID + f"def die(request):\n    {code}\n", "pid", "die")
    before = host.call("tool.pid")["pid"]
    with pytest.raises(SidecarExitedError, match=error):
        host.call("tool.die")
    assert host.call("tool.pid")["pid"] != before


def test_who_still_has_its_stdout_does_not_hide_the_end_of_a_process(sidecars):
    code = """
def run(request):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(10)"], stdin=subprocess.DEVNULL,
                     start_new_session=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    host = sidecars.open(code, "run", more="limits: {max_execution_time: 5s}")
    with pytest.raises(SidecarExitedError, match="the sidecar was killed by SIGKILL"):
        host.call("tool.run")


def test_an_answer_before_the_end_counts(sidecars):
    host = sidecars.open("def last(request): answer(request, {'n': 1}); os._exit(1)", "last")
    for _ in range(5):
        assert host.call("tool.last") == {"n": 1}
        session = sidecars.keeper(host)._session
        if session is not None:  # its end has not been noticed yet
            session._reader.join()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Warning: deprecated\n", "expected a line of JSON, found 'Warning: deprecated'"),
        ("\xff\n", "expected a line of JSON"),
        ("[1]\n", r"expected an object, found '\[1\]'"),
        ('{"type":"hello"}\n', "expected a guest_response or a host_call"),
        ('{"type":"guest_response","id":"77","success":true}\n', "the call '77' that it answers is not under way"),
        ('{"type":"guest_response","success":true}\n', "expected a string as the id of a guest_response"),
        ('{"success":true}\n', "the call None that it answers is not under way"),
        ('{"type":"host_call","id":"1"}\n', "expected the name of a function"),
        ('{"type":"host_call","id":"1","function":"log","parameters":[]}\n', "expected an object as the parameters"),
        ('{"type":"host_call","function":"log"}\n', "expected a string as the id"),
        ("[" * 1000 + "\n", "nested deeper than"),
    ],
)
def test_what_is_no_message_ends_the_call_and_the_process(sidecars, gone, text, error):
    host = sidecars.open(PID + NOISE, "pid", "noise")
    before = host.call("tool.pid")["pid"]
    with pytest.raises(
        SidecarProtocolError, match=f"failed to call tool.tool.noise: the sidecar broke the protocol: .*{error}"
    ):
        host.call("tool.noise", text=text)
    assert gone(before)
    assert host.call("tool.pid")["pid"] != before


def test_a_line_without_end_is_bounded(sidecars, gone):
    host = sidecars.open(
        PID + "def flood(request):\n    while True: sys.stdout.write('x' * 65536)",
        "pid",
        "flood",
        limits=PluginLimits(host_request_bytes=1 << 20),
    )
    before = host.call("tool.pid")["pid"]
    with pytest.raises(OutputLimitError, match="wrote a line that is longer than the limit of 1048576 bytes"):
        host.call("tool.flood")
    assert gone(before)


def test_an_answer_twice_costs_the_process(sidecars):
    host = sidecars.open("def twice(request): answer(request); answer(request)", "twice")
    session = sidecars.keeper(host)._session
    host.call("tool.twice")
    session._reader.join()
    assert session.failure_text == "the sidecar broke the protocol: the call '3' that it answers is not under way"
    host.call("tool.twice")
    assert sidecars.keeper(host)._session is not session


def test_messages_outside_of_calls_are_bounded(sidecars):
    host = sidecars.open(
        "def begin(request):\n    answer(request)\n"
        "    while True: send(type='host_call', id=1, function='log', parameters={'level': 'info', 'message': 'm'})\n",
        "begin",
        limits=PluginLimits(log_bytes=100),
    )
    session = sidecars.keeper(host)._session
    host.call("tool.begin")
    session._reader.join()
    assert session.failure_text == "the sidecar broke the protocol: more than 1000 messages outside calls"
    assert len([it for it in sidecars.log if it.message == "m"]) < 100


def test_a_host_call_outside_of_calls_is_refused(sidecars):
    host = sidecars.open(
        "def late(request):\n    answer(request)\n"
        "    sys.stderr.write(host('env_get', key='HOME')['error'] + '\\n'); sys.stderr.flush()\n",
        "late",
        more="permissions: {env: [HOME]}\n",
    )
    host.call("tool.late")
    sidecars.wait_for_log("no call is under way")


def test_a_hanging_call_ends_in_time_and_costs_the_process(sidecars, gone):
    host = sidecars.open(PID + HANG, "pid", "hang", **SHORT, sidecar="keep_alive: true, max_retries: 0")
    before = host.call("tool.pid", timeout=20)["pid"]
    with pytest.raises(TimeLimitError, match=r"failed to call tool.tool.hang: interrupted \(the limit of 3 s"):
        host.call("tool.hang")
    assert gone(before)
    with pytest.raises(TimeLimitError, match=r"0.1 s is reached; it was given with the call"):
        host.call("tool.hang", timeout=0.1)
    assert host.call("tool.pid")["pid"] != before  # that was no crash


def test_a_process_that_does_not_read_is_as_good_as_hanging(sidecars):
    host = sidecars.open(
        "def deaf(request):\n    send(type='host_call', id=1, function='env_get', parameters={'key': 'K'})\n"
        "    time.sleep(3600)\n" + PID,
        "deaf",
        "pid",
        **SHORT,
    )
    with pytest.raises(TimeLimitError):
        host.call("tool.deaf", big="x" * (1 << 20))
    host.call("tool.pid")


def test_the_other_calls_of_a_process_outlive_one_that_hangs(sidecars, gone):
    host = sidecars.open(
        """
def main():
    waiting = []
    while True:
        request = receive()
        if start(request):
            continue
        waiting.append(request)
        if len(waiting) == 2:
            fine = next(it for it in waiting if it["parameters"].get("fine"))
            threading.Timer(1, answer, (fine,)).start()
""",
        "wait",
        sidecar="keep_alive: true, concurrency: 2",
    )
    number = sidecars.process(host)
    with ThreadPoolExecutor(2) as threads:
        fine = threads.submit(host.call, "tool.wait", fine=True)
        hanging = threads.submit(host.call, "tool.wait", timeout=0.5)
        with pytest.raises(TimeLimitError):
            hanging.result()
        assert fine.result() == {}
    assert gone(number)


def test_crashes_in_a_row_are_bounded_until_a_reload(sidecars):
    host = sidecars.open(PID + CRASH, "pid", "crash", sidecar="keep_alive: true, max_retries: 2")
    for _ in range(3):
        with pytest.raises(SidecarExitedError):
            host.call("tool.crash")
    for _ in range(2):
        with pytest.raises(
            SidecarGaveUpError, match=r"exited with code 3; that is crash 3 in a row, and sidecar.max_ret"
        ):
            host.call("tool.pid")
    assert [it.change for it in host.reload("tool").changes] == [Change.RELOADED]
    assert host.call("tool.pid")


def test_an_answer_in_between_forgives_crashes(sidecars):
    host = sidecars.open(PID + CRASH, "pid", "crash", sidecar="keep_alive: true, max_retries: 0")
    with pytest.raises(SidecarExitedError):
        host.call("tool.crash")
    with pytest.raises(SidecarGaveUpError):
        host.call("tool.crash")
    host = sidecars.host()
    for _ in range(3):
        sidecars.write(PID + CRASH, "pid", "crash", sidecar="keep_alive: true, max_retries: 1")
    host.reload("tool")
    for _ in range(5):
        with pytest.raises(SidecarExitedError):
            host.call("tool.crash")
        assert host.call("tool.pid")


def test_a_crash_while_idle_is_noticed_by_the_next_call(sidecars):
    host = sidecars.open(
        "def leave(request): answer(request, {'pid': os.getpid()}); threading.Timer(0.05, os._exit, (9,)).start()",
        "leave",
        sidecar="keep_alive: true, max_retries: 0",
    )
    session = sidecars.keeper(host)._session
    host.call("tool.leave")
    assert session._process.wait(20)
    session._reader.join()
    with pytest.raises(SidecarGaveUpError, match="the sidecar exited with code 9; that is crash 1"):
        host.call("tool.leave")


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("not a program", "Exec format error"),
        ("#!/nowhere/interpreter\n", "No such file or directory"),
    ],
)
def test_what_cannot_be_started(sidecars, program, error):
    sidecars.write_program(program)
    (problem,) = sidecars.host().problems
    assert isinstance(problem.error, SidecarStartError)
    assert str(problem.error).startswith("failed to start sidecar: ")
    assert error in str(problem.error)


def test_a_binary_outside_of_the_folder_is_refused(sidecars, tmp_path):
    folder = sidecars.write(PID, "pid")
    (folder / "program").rename(tmp_path / "outside")
    (folder / "program").symlink_to(tmp_path / "outside")
    (problem,) = sidecars.host().problems
    assert "the binary must lie inside the plugin's folder" in str(problem.error)


def test_a_process_that_crashes_while_loading(sidecars):
    sidecars.write("def start(request): sys.stderr.write('no licence\\n'); sys.exit(4)")
    (problem,) = sidecars.host().problems
    assert str(problem.error) == (
        "failed to get plugin metadata: failed to call tool.plugin_init: the sidecar exited with code 4"
    )
    sidecars.wait_for_log("no licence")


@pytest.mark.parametrize(("auto_start", "started"), [("true", True), ("false", False)])
def test_auto_start(sidecars, auto_start, started):
    sidecars.write(
        PID + f"open('starts', 'a').write('x')  # {auto_start}\n",
        "pid",
        sidecar=f"keep_alive: true, auto_start: {auto_start}",
    )
    starts = sidecars.folder / "tool" / "starts"
    sidecars.host(lazy=True).close()  # nothing is known of its slots, so it is asked
    assert starts.read_text() == "x"
    host = sidecars.host(lazy=True)
    assert starts.read_text() == ("xx" if started else "x")
    host.call("tool.pid")
    assert starts.read_text() == "xx"


def test_without_keep_alive_an_idle_process_is_stopped(sidecars, gone):
    sidecars.write(PID, "pid", sidecar="keep_alive: false")
    host = sidecars.host()
    manifest = host.plugins["tool"].manifest
    keeper = SidecarKeeper(load_sidecar(manifest, host.manager.services), idle_seconds=0.05)
    keeper.join()
    session = keeper._session
    if session is not None:  # it may have been stopped already
        assert session._process.wait(20)
        assert gone(session.number)
    assert keeper.process is None
    keeper.leave()


def test_a_reload_loses_no_call(sidecars):
    host = sidecars.open(
        "def slow(request): host('log', level='info', message='begun'); time.sleep(0.3); answer(request, {'v': 1})",
        "slow",
    )
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(host.call, "tool.slow")
        sidecars.wait_for_log("begun")
        sidecars.write("def slow(request): answer(request, {'v': 2})", "slow")
        report = host.reload("tool")
        assert running.result() == {"v": 1}
    assert [it.change for it in report.changes] == [Change.RELOADED]
    assert report.changes[0].retirement.clean
    assert host.call("tool.slow") == {"v": 2}


def test_a_bad_new_version_leaves_the_old_process_alone(sidecars):
    host = sidecars.open(PID, "pid")
    before = host.call("tool.pid")["pid"]
    sidecars.write("sys.exit(1)")
    assert [it.change for it in host.reload("tool").changes] == [Change.FAILED]
    assert host.call("tool.pid")["pid"] == before


def test_closing_waits_for_a_call_under_way(sidecars):
    before = set(threading.enumerate())
    host = sidecars.open(
        "def slow(request): host('log', level='info', message='begun'); time.sleep(0.3); answer(request, {'v': 1})",
        "slow",
    )
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(host.call, "tool.slow")
        sidecars.wait_for_log("begun")
        report = host.close()
        assert running.result() == {"v": 1}
    assert report.clean
    # A process of another test may have left its stderr to a child of its own, which a thread still reads.
    left = set(threading.enumerate()) - before
    assert [it.name for it in left if it.name.startswith("zenowasm-sidecar")] == []
