"""Function names for reports: every function has one, and a package if its name contains one."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from zenowasm.display import nearest
from zenowasm.interp.binary import Names
from zenowasm.interp.syntax.module import ExternKind, Module

_GO: Final = "Go"
_RUST_ESCAPES: Final = (("..", "::"), ("$LT$", "<"), ("$GT$", ">"), ("$RF$", "&"), ("$u20$", " "), ("$C$", ","))
_PATH: Final = re.compile(r"([A-Za-z_]\w*)(?:\[[0-9a-f]+\])?::")
_GO_NAME: Final = re.compile(r"(?:\(\*?)?((?:[^\s()]*/)?[^\s()./:]+)[.(:]")
_HASH: Final = re.compile(r"::h[0-9a-f]{16}$")
OTHER: Final = "(other)"
"""The package of functions whose name contains none."""


def function_names(module: Module, names: Names) -> list[str]:
    """Return a name for each function: from the name section, its import or its export, or its index in brackets."""
    exported = {it.index: it.name for it in reversed(module.exports) if it.kind is ExternKind.FUNC}
    imported = [f"{it.module}.{it.name}" for it in module.imported(ExternKind.FUNC)]
    found = []
    for index in range(len(module.function_types())):
        name = names.functions.get(index) or (imported[index] if index < len(imported) else exported.get(index))
        found.append(name or f"func[{index}]")
    return found


def find_function(module: Module, names: Sequence[str], wanted: str) -> int:
    """Return the function with that name, export or index; raises ``ValueError`` with similar names."""
    name = wanted.removeprefix("$")
    if name in names:
        return names.index(name)
    exported = {it.name: it.index for it in module.exports if it.kind is ExternKind.FUNC}
    if name in exported and exported[name] < len(names):
        return exported[name]
    if name.isascii() and name.isdigit() and len(name) < 10 and int(name) < len(names):
        return int(name)
    near = nearest(name, [*names, *exported])
    raise ValueError(
        f"no function {wanted!r}" + (f": did you mean {near}?" if near else ": expected a name or an index")
    )


def readable(name: str) -> str:
    """Return a mangled name of Rust's older scheme as a path, without its hash; return other names unchanged."""
    if not name.startswith("_ZN") or not name.endswith("E"):
        return _HASH.sub("", name)
    segments, rest = [], name[3:-1]
    while (digits := re.match(r"\d{1,4}", rest)) is not None:
        end = digits.end() + int(digits.group())
        if end > len(rest):
            return name
        segments.append(rest[digits.end() : end])
        rest = rest[end:]
    if rest or not segments:
        return name
    path = "::".join(segments)
    for escaped, plain in _RUST_ESCAPES:
        path = path.replace(escaped, plain)
    return _HASH.sub("", re.sub(r"(^|::)_<", r"\1<", path))


def package_of(name: str, languages: Collection[str]) -> str:
    """Return the crate, package or namespace in a function's name, else ``(other)``.

    ``languages`` are the languages in the module's producers section: a dot separates packages only in Go.
    """
    path = readable(name)
    if "::" in path:
        found = _PATH.search(path)
        return found.group(1) if found else OTHER
    if _GO in languages:
        found = _GO_NAME.match(path)
        return found.group(1) if found else OTHER
    folder, slash, _ = path.rpartition("/")
    return folder if slash else OTHER
