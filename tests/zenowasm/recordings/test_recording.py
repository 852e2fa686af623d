"""Files of recordings: cut anywhere, damaged, of another version, of another module, or no recordings at all."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import zlib
from io import BytesIO
from struct import pack
from time import monotonic, sleep

import pytest
from support.wasm import wat

from zenowasm.backends import registry
from zenowasm.backends.protocol import FuncType
from zenowasm.interp.events import Probe
from zenowasm.interp.types import I32
from zenowasm.recordings import frames
from zenowasm.recordings.errors import RecordingError, ReplayStopError
from zenowasm.recordings.events import Decoder
from zenowasm.recordings.frames import FrameKind
from zenowasm.recordings.recorder import Recorder
from zenowasm.recordings.recording import Recording
from zenowasm.recordings.replaying import replay

II = FuncType((I32,), (I32,))
TEXT = """(module (import "env" "ask" (func $ask (param i32) (result i32)))
  (memory (export "memory") 1)
  (func $run (export "run") (param i32) (result i32) (call $ask (local.get 0))))"""


def record(path, calls=200, every=10):
    """Record calls in frames of a few calls each."""
    with Recorder(path) as recorder:
        engine = recorder.engine(registry.engine("reference"))
        store = engine.new_store()
        ask = store.host_function(II, lambda _, given: (given[0] * 3,))
        exports = store.instantiate(engine.compile(wat(TEXT)), {("env", "ask"): ask}).exports
        for number in range(calls):
            exports["memory"].write(number, b"bytes of the host")
            exports["run"].call(number)
            if number % every == 0:
                recorder.flush()
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return record(tmp_path_factory.mktemp("recording") / "whole.zr").read_bytes()


@pytest.fixture
def replayed(tmp_path):
    def open_(data, module=None):
        path = tmp_path / "file.zr"
        path.write_bytes(data)
        with Recording(path) as recording:
            if module is not None:
                recording.replace_module(module)
            return replay(recording, registry.engine("reference"))

    return open_


def test_a_file_that_is_cut_anywhere_replays_up_to_there(whole, replayed):
    chance, seen = random.Random(0), set()
    for length in [len(whole) - 1, *sorted(chance.sample(range(len(whole)), 40))]:
        try:
            done = replayed(whole[:length])
        except RecordingError as error:
            assert length < 200
            assert "is not a recording" in str(error) or "is cut before" in str(error)
            continue
        assert not done.complete
        assert str(done).endswith("; the recording is cut there")
        assert done.calls == done.host_calls <= 200
        seen.add(done.calls)
    assert len(seen) > 10
    assert replayed(whole).complete


def test_a_frame_in_the_middle_of_a_call_stops_in_the_guest(tmp_path, replayed):
    recorder = Recorder(tmp_path / "open.zr")
    engine = recorder.engine(registry.engine("reference"))
    store = engine.new_store()
    cut = []

    def ask(_, given):
        recorder.flush()
        cut.append((tmp_path / "open.zr").read_bytes())
        return given

    exports = store.instantiate(engine.compile(wat(TEXT)), {("env", "ask"): store.host_function(II, ask)}).exports
    exports["run"].call(5)
    recorder.close()
    stops = []

    class Watching(Probe):
        def before_unwinding(self, execution, error):
            stops.append((type(error).__name__, str(error), error.backtrace))

    def watch(_, made):
        made.probe = Watching()

    (tmp_path / "file.zr").write_bytes(cut[0])
    with Recording(tmp_path / "file.zr") as recording:
        done = replay(recording, registry.engine("reference"), watch)
    assert (done.calls, done.host_calls, done.complete) == (1, 1, False)
    ((name, message, backtrace),) = stops
    assert (name, message) == ("CutError", "the recording is cut in the middle of call 1, run(5) of the module")
    assert backtrace == ("run",)


def test_a_process_that_is_killed_leaves_a_file_that_is_cut(tmp_path, replayed):
    code = """
import sys
from zenowasm.backends import registry
from zenowasm.recordings.recorder import Recorder
engine = Recorder(sys.argv[1]).engine(registry.engine("reference"))
store = engine.new_store()
run = store.instantiate(engine.compile(bytes.fromhex(sys.argv[2])), {}).exports["run"]
while True:
    run.call()
"""
    binary = wat('(module (func (export "run") (result i32) (i32.const 5)))').hex()
    path = tmp_path / "killed.zr"
    process = subprocess.Popen([sys.executable, "-c", code, str(path), binary])
    end = monotonic() + 60
    while monotonic() < end and not (path.exists() and path.stat().st_size > 1_000):
        sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = replayed(path.read_bytes())
    assert done.calls > 0
    assert not done.complete


def test_another_version(whole, replayed):
    with pytest.raises(RecordingError, match="of version 2, and this zenowasm reads version 1"):
        replayed(whole[:8] + pack("<H", 2) + whole[10:])


@pytest.mark.parametrize("data", [b"", b"\0asm\1\0\0\0", b"\x00zwrec\r", os.urandom(5000)], ids=range(4))
def test_no_recording(data, replayed):
    with pytest.raises(RecordingError, match=r"file\.zr is not a recording of zenowasm$"):
        replayed(data)


def test_random_bytes_after_the_magic_number(whole, replayed):
    chance = random.Random(5)
    for _ in range(200):
        with pytest.raises(RecordingError) as found:
            replayed(whole[:10] + chance.randbytes(chance.randrange(200)))
        assert "\n" not in str(found.value)


def test_changed_bytes_are_a_sentence_or_harmless(whole, replayed):
    chance = random.Random(6)
    for _ in range(60):
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        try:
            replayed(bytes(data))
        except (RecordingError, ReplayStopError) as error:
            assert "\n" not in str(error)


def test_changed_events_behind_a_right_checksum_are_a_sentence_or_harmless(whole, tmp_path, replayed, edit):
    """Whoever makes a recording by hand can make its checksums, too."""
    (tmp_path / "whole.zr").write_bytes(whole)
    chance, found = random.Random(7), set()
    for _ in range(150):

        def change(words, data):
            for _ in range(chance.randrange(3)):
                if words:
                    words[chance.randrange(len(words))] = chance.choice((0, 1, 7, 1 << 31, chance.getrandbits(32)))
            if data and chance.random() < 0.2:
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)

        try:
            replayed(edit(tmp_path / "whole.zr", change).read_bytes())
        except (RecordingError, ReplayStopError) as error:
            assert "\n" not in str(error)
            found.add(type(error).__name__)
    assert found == {"RecordingError", "DivergenceError"}


def test_a_frame_that_is_too_large_when_it_is_unpacked(whole, replayed):
    header = frames.json_frame(FrameKind.HEADER, {"zenowasm": "0", "time": 0})
    bomb = frames.frame(FrameKind.EVENTS, 1, bytes(frames.MOST_EVENTS + 1))
    with pytest.raises(RecordingError, match="cannot be read"):
        replayed(frames.start() + header + bomb)


def test_a_note_that_is_nested_too_deep_and_a_type_that_is_none():
    for text in (b"[" * 100_000, b'{"event":"host_function","id":1,"type":["func",["i99"],[]]}', b"{}", b"3"):
        contents = pack("<IQII", 2, 0, 0, len(text)) + text
        with pytest.raises(RecordingError, match="malformed event"):
            list(Decoder().decode(contents))


def test_another_module_is_refused_and_one_with_other_custom_sections_is_not(whole, replayed):
    with pytest.raises(RecordingError, match="the module is another one than in "):
        replayed(whole, wat(TEXT.replace("local.get 0", "i32.const 0")))
    with pytest.raises(RecordingError, match="another one"):
        replayed(whole, b"\0asm\1\0\0\0\xff\xff\xff\xff\xff")
    assert replayed(whole, wat(TEXT) + b"\x00\x05\x04name").complete


def test_a_recording_can_be_written_to_a_pipe(tmp_path):
    read, write = os.pipe()
    with open(read, "rb") as end, open(write, "wb", buffering=0) as start:
        with Recorder(start) as recorder:
            engine = recorder.engine(registry.engine("reference"))
            module = engine.compile(wat('(module (func (export "run")))'))
            engine.new_store().instantiate(module, {}).exports["run"].call()
        start.close()
        data = end.read()
    (tmp_path / "file.zr").write_bytes(data)
    with Recording(tmp_path / "file.zr") as recording:
        assert replay(recording, registry.engine("reference")).calls == 1


def test_a_full_disk_ends_the_recording_and_not_the_run(caplog):
    class Full(BytesIO):
        def write(self, data):
            if self.tell() > 100:
                raise OSError(28, "No space left on device")
            return super().write(data)

    with Recorder(Full()) as recorder:
        engine = recorder.engine(registry.engine("reference"))
        module = engine.compile(wat('(module (func (export "run")))'))
        run = engine.new_store().instantiate(module, {}).exports["run"]
        for _ in range(3):
            run.call()
            recorder.flush()
    (message,) = caplog.messages
    assert message.endswith("No space left on device; the rest of the run is not recorded")


def test_only_the_owner_may_read_the_file(tmp_path):
    record(tmp_path / "own.zr", 1)
    assert (tmp_path / "own.zr").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["missing/file.zr", "folder", "nul\0"])
def test_a_file_that_cannot_be_written_or_read(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(RecordingError, match="cannot write the recording "):
        Recorder(tmp_path / name)
    with pytest.raises(RecordingError, match="cannot read "):
        Recording(tmp_path / name)


def test_a_child_of_a_fork_leaves_the_file_to_its_parent(tmp_path, replayed):
    recorder = Recorder(tmp_path / "parent.zr")
    engine = recorder.engine(registry.engine("reference"))
    module = engine.compile(wat('(module (func (export "run")))'))
    run = engine.new_store().instantiate(module, {}).exports["run"]
    run.call()
    child = os.fork()
    if child == 0:
        run.call()
        recorder.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    run.call()
    recorder.close()
    done = replayed((tmp_path / "parent.zr").read_bytes())
    assert (done.calls, done.complete) == (2, True)


def test_the_layout_is_the_documented_one(whole):
    assert whole[:10] == b"\x00zwrec\r\n\x01\x00"
    kind, stream, length, checksum = (whole[10], *(int.from_bytes(whole[at : at + 4], "little") for at in (11, 15, 19)))
    packed = whole[23 : 23 + length]
    assert (kind, stream, checksum) == (1, 0, zlib.crc32(packed))
    assert zlib.decompress(packed).startswith(b'{"zenowasm": ')
