"""The checks of ``plugin validate``."""

from __future__ import annotations

import re

import pytest

from zenowasm.plugin.validate import Check, Level, validate_plugin


def found(report, level):
    return [(check.subject, check.message) for check in report.checks if check.level is level]


def test_a_good_plugin(bench, guest):
    folder = bench.write(guest())
    report = validate_plugin(folder, bench.engine)
    assert report.ok
    assert report.manifest is not None
    assert [check.subject for check in report.checks] == ["manifest", "binary", "module", "exports", "imports"]
    assert report.checks[0] == Check("manifest", Level.OK, "guest 1.0.0")
    assert report.checks[4] == Check("imports", Level.OK, "none")
    assert validate_plugin(folder / "manifest.yaml", bench.engine).ok


def test_nothing_of_the_module_is_run(bench, guest):
    text = guest(init="unreachable", extra="(func $s unreachable) (start $s)")
    assert validate_plugin(bench.write(text), bench.engine).ok


def test_warnings_are_not_errors(bench, guest):
    folder = bench.write(guest(without=("plugin_cleanup",)), permissions={"network": ["a.com"]}, more="odd: 1\n")
    report = validate_plugin(folder, bench.engine)
    assert report.ok
    assert report.count(Level.WARNING) == 3
    subjects = [subject for subject, _ in found(report, Level.WARNING)]
    assert subjects == ["manifest", "manifest", "exports"]
    assert any("manifest.yaml:5: odd: unknown key" in message for _, message in found(report, Level.WARNING))


@pytest.mark.parametrize(
    ("changes", "subject", "message"),
    [
        ({"without": ("plugin_init",)}, "exports", "function plugin_init not found in module guest"),
        ({"without": ("alloc",), "extra": '(func (export "alloc"))'}, "exports",
         "function alloc in module guest is (func), expected (func (param i32) (result i32))"),
        ({"without": ("memory",)}, "exports", 'module guest exports no memory named "memory"'),
        ({"imports": '(import "env" "host_lag" (func))'}, "imports",
         'unknown import: the module imports "env.host_lag" (func); "env" offers host_log, host_db_query, '
         "host_http_request, host_scope_get, host_scope_set, host_file_read, host_file_write, host_env_get "
         "(did it mean host_log?)"),
        ({"imports": '(import "env" "host_log" (func))'}, "imports",
         'incompatible import type: the module imports "env.host_log" as (func), '
         "but it is (func (param i32 i32 i32 i32))"),
    ],
)  # fmt: skip
def test_errors(bench, guest, changes, subject, message):
    report = validate_plugin(bench.write(guest(**changes)), bench.engine)
    assert not report.ok
    assert found(report, Level.ERROR) == [(subject, message)]


@pytest.mark.parametrize(
    ("extra", "subject", "message"),
    [
        ("(memory 1600)", "memory",
         r"10\d+ bytes of memory are declared, and the limit is 104857600; to raise it, .*max_memory.*"),
        ("(memory i64 800) (memory 799)", "memory", r"10\d+ bytes of memory are declared, .*"),
        ("(table 6000000 funcref) (table i64 5000000 externref)", "tables",
         "11000000 elements are declared, and the limit is 10000000"),
    ],
)  # fmt: skip
def test_more_memory_or_tables_than_an_instance_may_have(bench, guest, extra, subject, message):
    report = validate_plugin(bench.write(guest(extra=extra)), bench.engine)
    ((place, text),) = found(report, Level.ERROR)
    assert place == subject
    assert re.fullmatch(message, text)


def test_every_problem_is_listed(bench, guest):
    text = guest(without=("plugin_init", "plugin_execute"), imports='(import "env" "a" (func)) (import "x" "b" (func))')
    report = validate_plugin(bench.write(text), bench.engine)
    assert report.count(Level.ERROR) == 4


@pytest.mark.parametrize(
    ("binary", "subject"), [(b"", "module"), (b"\0asm\x01\0\0\0\x01\xff", "module"), (None, "binary")]
)
def test_bad_binaries(bench, guest, binary, subject):
    folder = bench.write(guest() if binary is None else binary)
    if binary is None:
        (folder / "guest.wasm").unlink()
    report = validate_plugin(folder, bench.engine)
    assert not report.ok
    assert [place for place, _ in found(report, Level.ERROR)] == [subject]


def test_a_bad_manifest_ends_the_checks(bench, tmp_path):
    report = validate_plugin(tmp_path / "none", bench.engine)
    assert not report.ok
    assert report.manifest is None
    assert report.checks[0].message.startswith("failed to read manifest: ")


def test_configuration_and_sidecars(bench, guest):
    folder = bench.write(guest(), more="config: {k: {required: true, env: K}}\n")
    missing = validate_plugin(folder, bench.engine, {})
    assert missing.ok
    assert found(missing, Level.WARNING) == [
        ("config", "plugin guest: config k is required: set the environment variable K")
    ]
    given = validate_plugin(folder, bench.engine, {"K": "secret"})
    assert ("config", "1 of 1 parameters have a value") in found(given, Level.OK)
    assert "secret" not in str(given)
    sidecar = validate_plugin(bench.write(guest(), name="s", more="type: sidecar\n"), bench.engine)
    assert sidecar.ok
    assert found(sidecar, Level.WARNING) == [("binary", "a sidecar plugin: its binary is not WebAssembly")]
