"""Guests written as text, and hosts that run them on every engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen
from support.wasm import wat

from zenowasm.backends import registry
from zenowasm.backends.protocol import Engine
from zenowasm.host.observer import BorderCall
from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.lifecycle.manager import PluginManager
from zenowasm.plugin.services import HostServices, LogRecord, given

ROOT = Path(__file__).parents[3]
METADATA = '{"name":"guest","version":"1.0.0"}'
SLOTS = '[{"name":"guest.run"}]'
RESPONSE = '{"success":true,"data":{"answer":42}}'
TEXT_AT = 4096
MANIFEST = """\
name: {name}
version: 1.0.0
binary: guest.wasm
permissions: {permissions}
"""


def quoted(data: bytes | str) -> str:
    """A string literal of the text format."""
    data = data.encode() if isinstance(data, str) else data
    return '"' + "".join(f"\\{byte:02x}" for byte in data) + '"'


@frozen
class GuestText:
    """A guest as text. Bodies are instructions; ``text`` lies at TEXT_AT, where requests to the host are taken from."""

    metadata: bytes | str = METADATA
    slots: bytes | str = SLOTS
    response: bytes | str = RESPONSE
    text: bytes | str = ""
    imports: str = ""
    init: str = "i32.const 1024"
    register: str = "i32.const 2048"
    execute: str = "i32.const 65536"
    cleanup: str = ""
    alloc: str = (
        "global.get $heap  (global.set $heap"
        " (i32.and (i32.add (i32.add (global.get $heap) (local.get 0)) (i32.const 7)) (i32.const -8)))"
    )
    extra: str = ""
    pages: str = "4"
    without: tuple[str, ...] = ()

    def module(self) -> str:
        exports = {
            "plugin_init": f'(func $init (export "plugin_init") (result i32) {self.init})',
            "plugin_register_slots": f'(func $slots (export "plugin_register_slots") (result i32) {self.register})',
            "plugin_execute": '(func $execute (export "plugin_execute") (param i32 i32 i32 i32) (result i32)'
            f" (local $i i32) {self.execute})",
            "plugin_cleanup": f'(func $cleanup (export "plugin_cleanup") {self.cleanup})',
            "alloc": f'(func $alloc (export "alloc") (param i32) (result i32) {self.alloc})',
            "memory": f'(memory (export "memory") {self.pages})',
        }
        kept = "\n".join(text for name, text in exports.items() if name not in self.without)
        memory = "(memory 4)" if "memory" in self.without else ""
        return f"""(module {self.imports}
            {memory} {kept}
            (global $heap (mut i32) (i32.const 131072))
            (global $count (mut i32) (i32.const 0))
            (data (i32.const 1024) {quoted(self.metadata)} "\\00")
            (data (i32.const 2048) {quoted(self.slots)} "\\00")
            (data (i32.const {TEXT_AT}) {quoted(self.text)} "\\00")
            (data (i32.const 65536) {quoted(self.response)} "\\00")
            {self.extra})"""

    def binary(self) -> bytes:
        return wat(self.module())


HR = "(param i32 i32) (result i32)"


def asking(function: str, text: str | bytes, *, length: int | None = None, **changes: Any) -> GuestText:
    """A guest whose slot passes ``text`` to a host function and answers whatever the host replied."""
    data = text.encode() if isinstance(text, str) else text
    return GuestText(
        imports=f'(import "env" "{function}" (func $host {HR}))',
        text=data,
        execute=f"(call $host (i32.const {TEXT_AT}) (i32.const {len(data) if length is None else length}))",
        **changes,
    )


@define
class Recorder:
    """Records every call over the border."""

    events: list[tuple[Any, ...]] = field(factory=list)

    def before(self, call: BorderCall) -> None:
        self.events.append(("before", call.owner, call.direction.value, call.module, call.name, call.arguments))

    def after(self, call: BorderCall, results: tuple[Any, ...] | None, error: BaseException | None) -> None:
        self.events.append(("after", call.name, results, None if error is None else type(error).__name__))


@define
class Bench:
    """Writes plugins into a folder and opens hosts on an engine."""

    engine: Engine
    folder: Path
    log: list[LogRecord] = field(factory=list)
    managers: list[PluginManager] = field(factory=list)

    def write(
        self,
        guest: GuestText | bytes,
        name: str = "guest",
        permissions: Mapping[str, Any] | None = None,
        more: str = "",
    ) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        text = MANIFEST.format(name=name, permissions=json.dumps(permissions or {}))
        (folder / "manifest.yaml").write_text(text + more)
        (folder / "guest.wasm").write_bytes(guest if isinstance(guest, bytes) else guest.binary())
        return folder

    def host(self, **services: Any) -> PluginManager:
        for name in {"databases", "http", "files"} & services.keys():
            services[name] = given(services[name])
        manager = PluginManager(self.engine, HostServices(**{"log": self.log.append, **services}))
        self.managers.append(manager)
        return manager

    def load(
        self,
        guest: GuestText,
        *,
        permissions: Mapping[str, Any] | None = None,
        limits: PluginLimits | None = None,
        more: str = "",
        **services: Any,
    ) -> PluginManager:
        folder = self.write(guest, permissions=permissions, more=more)
        manager = self.host(limits=limits or PluginLimits(), **services)
        manager.load(folder)
        return manager

    def instance(self, manager: PluginManager, name: str = "guest") -> Any:
        """The one instance of a plugin that no call is using."""
        (member,) = manager.plugins[name]._pool._idle
        return member.worker

    @property
    def lines(self) -> list[tuple[str, str]]:
        return [(record.level, record.message) for record in self.log]


@pytest.fixture(params=registry.names())
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bench(backend: str, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(registry.engine(backend), tmp_path)
    yield made
    for manager in made.managers:
        manager.close()


@pytest.fixture
def benches(tmp_path: Path) -> list[Bench]:
    """One bench for each engine, for tests that compare them."""
    made = []
    for name in registry.names():
        (tmp_path / name).mkdir()
        made.append(Bench(registry.engine(name), tmp_path / name))
    return made


@pytest.fixture
def guest() -> Callable[..., GuestText]:
    return GuestText


@pytest.fixture
def ask() -> Callable[..., GuestText]:
    return asking


@pytest.fixture
def make_recorder() -> Callable[[], Recorder]:
    return Recorder


@pytest.fixture
def root() -> Path:
    return ROOT
