"""Our reader of scripts beside the one that goes through wasm-tools: both give the same commands and binaries."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import attrs
import pytest
from support import json_reader
from support.suite import suite_folder

from zenowasm.interp.errors import DecodeError
from zenowasm.interp.numerics.floats import f32_to_bits
from zenowasm.interp.text.values import float_bits
from zenowasm.interp.types import AbsHeapType, NumType
from zenowasm.spec.script import (
    AssertMalformed,
    AssertReturn,
    AssertTrap,
    AssertUninstantiable,
    BinaryModule,
    DefineModule,
    EitherPattern,
    Get,
    HostRefPattern,
    InstantiateDefinition,
    InstantiateModule,
    Invoke,
    Literal,
    NanKind,
    NullPattern,
    NumPattern,
    Pattern,
    Perform,
    RefPattern,
    Register,
    ScriptError,
    TextModule,
    VecPattern,
)
from zenowasm.spec.wast_reader import assemble, read_script

TYPE_USES = {
    "type-rec.wast": {45, 185, 197},
    "type-subtyping.wast": {344, 373},
}
"""Lines of modules in which a type use must find a type that the other parser does not find, or not find one.

As the suite says there, an implicit function type is the first that is final and alone in its group, however spelled.
"""


def _comparable(it: Any) -> Any:
    """Return something that is equal where the meaning is: no NaN equals itself, and some quoted modules are good."""
    if isinstance(it, Literal) and it.type in (NumType.F32, NumType.F64):
        return it.type, float_bits(it.type, it.value)
    if isinstance(it, TextModule):
        try:
            return assemble(it.source)
        except DecodeError:
            return it.source
    if isinstance(it, BinaryModule):
        return it.binary
    if isinstance(it, tuple):
        return tuple(map(_comparable, it))
    if attrs.has(type(it)):
        return type(it), *[_comparable(getattr(it, field.name)) for field in attrs.fields(type(it))]
    return getattr(it, "value", it)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "script_path" in metafunc.fixturenames:
        named = os.environ.get("ZENOWASM_SPEC_TESTSUITE")
        folder = Path(named) if named else Path(__file__).parents[3].parent / "shared" / "spec-testsuite"
        scripts = sorted(folder.glob("*.wast"))
        metafunc.parametrize("script_path", scripts or [None], ids=[it.stem for it in scripts] or ["suite"])


def test_both_readers_give_the_same_script(script_path: Path | None) -> None:
    if script_path is None:
        suite_folder()
        pytest.fail("the official suite has no scripts")
    ours, theirs = read_script(script_path), json_reader.read_script(script_path)
    assert len(ours.commands) == len(theirs.commands)
    different = {
        mine.line
        for mine, other in zip(ours.commands, theirs.commands, strict=True)
        if _comparable(mine) != _comparable(other)
    }
    assert different == TYPE_USES.get(script_path.name, set())


def test_malformed_text_is_refused(script_path: Path | None) -> None:
    if script_path is None:
        suite_folder()
    assert script_path is not None
    for command in read_script(script_path).commands:
        if isinstance(command, AssertMalformed) and isinstance(command.module, TextModule):
            with pytest.raises(DecodeError):
                assemble(command.module.source)


def _read(tmp_path: Path, text: str) -> tuple[Any, ...]:
    path = tmp_path / "x.wast"
    path.write_text(text, encoding="utf-8")
    return read_script(path).commands


def test_modules_and_instances(tmp_path: Path) -> None:
    module, define, instance, register = _read(
        tmp_path, '(module $a)\n(module definition $b)\n(module instance $i $b)\n(register "r" $i)'
    )
    binary = BinaryModule(assemble("(module $a)"))
    assert module == InstantiateModule(1, "a", binary)
    assert define == DefineModule(2, "b", BinaryModule(assemble("(module $b)")))
    assert instance == InstantiateDefinition(3, "i", "b")
    assert register == Register(4, "r", "i")


def test_a_binary_module_is_not_decoded(tmp_path: Path) -> None:
    (command,) = _read(tmp_path, '(module binary "\\00as" "m")')
    assert command == InstantiateModule(1, None, BinaryModule(b"\0asm"))


def test_a_quoted_module_is_not_parsed(tmp_path: Path) -> None:
    (command,) = _read(tmp_path, '(assert_malformed\n(module quote "(fu" "\\ff") "words")')
    assert command == AssertMalformed(2, TextModule("(fu \udcff "), "words")
    with pytest.raises(DecodeError, match="malformed UTF-8"):
        assemble(command.module.source)


def test_a_trap_is_of_an_action_or_of_a_module(tmp_path: Path) -> None:
    action, module = _read(tmp_path, '(assert_trap (invoke "f") "a") (assert_trap (module) "b")')
    assert action == AssertTrap(1, Invoke(None, "f", ()), "a")
    assert isinstance(module, AssertUninstantiable)


def test_actions(tmp_path: Path) -> None:
    get, invoke = _read(tmp_path, '(get $m "g") (assert_return (invoke "f" (i32.const -1)))')
    assert get == Perform(1, Get("m", "g"))
    assert invoke == AssertReturn(1, Invoke(None, "f", (Literal(NumType.I32, 0xFFFFFFFF),)), ())


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("i32.const -1", NumPattern(NumType.I32, 0xFFFFFFFF)),
        ("i64.const 0x8000000000000000", NumPattern(NumType.I64, 1 << 63)),
        ("f32.const -0", NumPattern(NumType.F32, 1 << 31)),
        ("f32.const nan:canonical", NumPattern(NumType.F32, NanKind.CANONICAL)),
        ("f64.const nan:arithmetic", NumPattern(NumType.F64, NanKind.ARITHMETIC)),
        ("f64.const nan:0x1", NumPattern(NumType.F64, 0x7FF0000000000001)),
        ("v128.const i64x2 1 -1", VecPattern(64, (1, (1 << 64) - 1))),
        (
            "v128.const f32x4 nan:canonical 0 nan:arithmetic 1",
            VecPattern(32, (NanKind.CANONICAL, 0, NanKind.ARITHMETIC, 0x3F800000)),
        ),
        ("ref.null", NullPattern()),
        ("ref.null extern", NullPattern()),
        ("ref.extern 3", HostRefPattern(3)),
        ("ref.host 3", HostRefPattern(3)),
        ("ref.extern", RefPattern(AbsHeapType.EXTERN)),
        ("ref.func", RefPattern(AbsHeapType.FUNC)),
        ("ref.struct", RefPattern(AbsHeapType.STRUCT)),
        ("ref.array", RefPattern(AbsHeapType.ARRAY)),
        ("ref.i31", RefPattern(AbsHeapType.I31)),
        ("ref.eq", RefPattern(AbsHeapType.EQ)),
        (
            "either (i32.const 1) (i32.const 2)",
            EitherPattern((NumPattern(NumType.I32, 1), NumPattern(NumType.I32, 2))),
        ),
    ],
)
def test_patterns(tmp_path: Path, text: str, pattern: Pattern) -> None:
    (command,) = _read(tmp_path, f'(assert_return (invoke "f") ({text}))')
    assert command.expected == (pattern,)


def test_arguments(tmp_path: Path) -> None:
    text = "(i32.const -1) (f32.const nan:0x200000) (v128.const i8x16 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 2) (ref.extern 4)"
    (command,) = _read(tmp_path, f'\n\n(invoke $m "f" {text} (ref.null func))')
    assert (command.line, command.action.instance, command.action.field) == (3, "m", "f")
    i32, f32, v128, extern, null = [it.value for it in command.action.arguments]
    assert (i32, f32_to_bits(f32), v128) == (0xFFFFFFFF, 0x7FA00000, 2 << 120 | 1)
    assert (extern.value, null) == (4, None)


def test_fields_alone_are_a_module(tmp_path: Path) -> None:
    assert _read(tmp_path, "(func) (memory 0)") == (
        InstantiateModule(1, None, BinaryModule(assemble("(func) (memory 0)"))),
    )


@pytest.mark.parametrize(
    "text",
    [
        "(",
        "module",
        "(module) (nonsense)",
        "(module (func) (import))",
        "(assert_return",
        "(assert_return x)",
        '(assert_return (invoke "f" (i32.const x)))',
        '(assert_return (invoke "f" (local.get 0)))',
        '(assert_return (invoke "f") (i32.const nan:canonical))',
        '(assert_return (invoke "f") (v128.const i8x3 0))',
        '(assert_return (invoke "f" (ref.null $t)))',
        '(invoke "\\ff")',
        "(func) x",
        "(func) )",
        '(module) (@name "m")',
        '(module (func (@name "a") (@name "b")))',
    ],
)
def test_what_is_no_script_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ScriptError, match=r"x\.wast: .*line 1"):
        _read(tmp_path, text)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="No such file"):
        read_script(tmp_path / "none.wast")
