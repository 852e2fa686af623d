"""C programs that import WASI: compiled once, described by the JSON of upstream's wasi-testsuite, run on any engine."""

from __future__ import annotations

import json
from pathlib import Path

import wasmtime
from attrs import field, frozen
from support.compiled import c_program

from zenowasm.backends import registry
from zenowasm.host.linker import Linker
from zenowasm.resources.files.folder import Folder
from zenowasm.wasi.context import Preopen, WasiContext
from zenowasm.wasi.errors import ProcExit
from zenowasm.wasi.preview1 import Preview1

PROGRAMS = Path(__file__).parents[2] / "spec-tests" / "wasi" / "programs"
_FLAGS = ("--target=wasm32-wasi", "-O1", "-s", "-Wall", "-Wextra", "-Werror")
_FIELDS = {"args", "env", "root", "exit_code", "stdout", "stderr"}


@frozen
class Specification:
    """How to run a program and what it must do (wasi-testsuite, ``doc/specification.md``).

    ``root`` is a folder, which the program finds as ``/``; ``None`` means that it finds none.
    """

    args: tuple[str, ...] = ()
    env: dict[str, str] = field(factory=dict)
    root: str | None = None
    exit_code: int = 0
    stdout: str | None = None
    stderr: str | None = None

    @classmethod
    def beside(cls, program: Path) -> Specification:
        """Return what the JSON file beside a program says."""
        path = program.with_suffix(".json")
        data = json.loads(path.read_text("utf-8")) if path.exists() else {}
        assert set(data) <= _FIELDS, f"{path}: unknown fields {set(data) - _FIELDS}"
        return cls(**{**data, "args": tuple(data.get("args", ()))})


@frozen
class Outcome:
    """What a program did."""

    exit_code: int
    stdout: bytes
    stderr: bytes

    def expect(self, specification: Specification) -> None:
        """Fail unless this is what the specification says."""
        assert self.exit_code == specification.exit_code, self.stderr.decode("utf-8", "replace")
        for expected, found in ((specification.stdout, self.stdout), (specification.stderr, self.stderr)):
            assert expected is None or found == expected.encode()


def compiled(source: Path) -> Path:
    """Return a C program as WebAssembly."""
    return c_program(source, *_FLAGS)


class Collected:
    """An output that keeps everything."""

    descriptor = None
    pending = b""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> int:
        self.data += data
        return len(data)

    def flush(self) -> None:
        pass


def run(backend: str, program: Path, specification: Specification, root: Path) -> Outcome:
    """Run a program on one of our engines with our WASI."""
    engine = registry.engine(backend)
    module = engine.compile(program.read_bytes())
    stdout, stderr = Collected(), Collected()
    with Folder.open(root) as folder:
        context = WasiContext(
            arguments=(program.name.encode(), *(argument.encode() for argument in specification.args)),
            environ=tuple(f"{name}={value}".encode() for name, value in specification.env.items()),
            stdout=stdout,
            stderr=stderr,
            preopens=(Preopen(b"/", folder),) if specification.root else (),
        )
        with Preview1(context) as preview1:
            linker = Linker()
            linker.define(preview1.functions())
            store = engine.new_store()
            start = store.instantiate(module, linker.resolve(store, module)).exports["_start"]
            try:
                start.call()  # type: ignore[union-attr]
            except ProcExit as exit_:
                return Outcome(exit_.code, stdout.data, stderr.data)
    return Outcome(0, stdout.data, stderr.data)


def run_in_wasmtime(program: Path, specification: Specification, root: Path, output: Path) -> Outcome:
    """Run a program with the WASI of wasmtime; ``output`` is a folder for what it prints."""
    config = wasmtime.WasiConfig()
    config.argv = [program.name, *specification.args]
    config.env = list(specification.env.items())
    out, err, empty = output / "stdout", output / "stderr", output / "stdin"
    empty.write_bytes(b"")
    config.stdin_file, config.stdout_file, config.stderr_file = empty, out, err
    if specification.root:
        config.preopen_dir(str(root), "/")
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    store.set_wasi(config)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    instance = linker.instantiate(store, wasmtime.Module.from_file(engine, str(program)))
    code = 0
    try:
        instance.exports(store)["_start"](store)  # type: ignore[operator]
    except wasmtime.ExitTrap as exit_:
        code = exit_.code
    store.close()
    return Outcome(code, out.read_bytes(), err.read_bytes())
