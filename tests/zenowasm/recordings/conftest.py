"""Modules whose runs are recorded on every engine and replayed on the reference engine."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define
from support.wasm import wat

from zenowasm.backends import registry
from zenowasm.backends.protocol import Engine, EngineOptions, Extern, FuncType, HostBody, Store
from zenowasm.recordings import frames
from zenowasm.recordings.frames import FrameKind
from zenowasm.recordings.recorder import Recorder
from zenowasm.recordings.recording import Recording
from zenowasm.recordings.replaying import Replayed, replay


@pytest.fixture(params=registry.names())
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@define
class Run:
    """One recording: what is run before ``replay`` is in it."""

    engine: Engine
    path: Path
    recorder: Recorder

    def store(self) -> Store:
        return self.recorder.engine(self.engine).new_store()

    def instance(
        self,
        text: str,
        functions: Mapping[str, tuple[FuncType, HostBody]] | None = None,
        *,
        store: Store | None = None,
        **more: Extern,
    ) -> Mapping[str, Any]:
        """Instantiate a module whose imports come from "env", and return its exports."""
        store = self.store() if store is None else store
        imports: dict[tuple[str, str], Extern] = {("env", name): it for name, it in more.items()}
        for name, (type, body) in (functions or {}).items():
            imports["env", name] = store.host_function(type, body)
        return store.instantiate(self.recorder.engine(self.engine).compile(wat(text)), imports).exports

    def opened(self) -> Recording:
        self.recorder.close()
        return Recording(self.path)

    def replay(self, on_store: Callable[[str, Store], None] | None = None) -> Replayed:
        with self.opened() as recording:
            return replay(recording, registry.engine("reference"), on_store)


@pytest.fixture
def run(backend: str, tmp_path: Path) -> Any:
    path = tmp_path / "run.zr"
    with Recorder(path) as recorder:
        yield Run(registry.engine(backend, EngineOptions()), path, recorder)


Change = Callable[["array[int]", bytearray], None]


def edited(path: Path, change: Change) -> Path:
    """Return a copy of a recording in which the words and the data of each frame of events are changed."""
    copy = path.with_suffix(".edited")
    with path.open("rb") as file:
        found, _ = frames.scan(file, str(path))
        parts = [frames.start()]
        for it in found:
            contents = frames.contents(file, it, str(path))
            if it.kind is FrameKind.EVENTS:
                end = 12 + 4 * int.from_bytes(contents[:4], "little")
                words, data = array("I", contents[12:end]), bytearray(contents[end:])
                change(words, data)
                contents = contents[:12] + words.tobytes() + data
            parts.append(frames.frame(it.kind, it.stream, contents))
    copy.write_bytes(b"".join(parts))
    return copy


def replaced(words: array[int], before: Sequence[int], after: Sequence[int]) -> None:
    """Replace words that occur once."""
    found = [at for at in range(len(words)) if list(words[at : at + len(before)]) == list(before)]
    assert len(found) == 1, found
    words[found[0] : found[0] + len(before)] = array("I", after)


@pytest.fixture
def edit() -> Callable[[Path, Change], Path]:
    return edited


@pytest.fixture
def replace() -> Callable[..., None]:
    return replaced
