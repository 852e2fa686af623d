"""Modules of the official test suite as our own reader has them, and a form in which equal modules are equal bytes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from attrs import evolve, frozen
from support.suite import suite_folder

from zenowasm.interp.binary import encode
from zenowasm.interp.syntax.module import Body, Module
from zenowasm.interp.types import ValType
from zenowasm.spec.script import AssertMalformed, BinaryModule, Script
from zenowasm.spec.wast_reader import read_script


@frozen
class _Code:
    known: Body
    offset: int = 0
    size: int = 0

    def body(self) -> Body:
        return self.known


def essence(module: Module) -> bytes:
    """Encode a module without what does not change its meaning: customs, choices of spelling, splits of locals.

    Bytes, because no NaN is equal to itself.
    """
    bodies = [code.body() for code in module.codes]
    return encode(
        evolve(
            module,
            customs=(),
            types=tuple(evolve(rectype, as_group=False) for rectype in module.types),
            elements=tuple(evolve(segment, form=0) for segment in module.elements),
            codes=tuple(_Code(evolve(body, locals=_merged(body))) for body in bodies),
        )
    )


def _merged(body: Body) -> tuple[tuple[int, ValType], ...]:
    runs: list[tuple[int, ValType]] = []
    for count, type_ in body.locals:
        if runs and runs[-1][1] == type_:
            runs[-1] = (runs[-1][0] + count, type_)
        elif count:
            runs.append((count, type_))
    return tuple(runs)


@cache
def scripts() -> tuple[Script, ...]:
    """Read every script of the suite."""
    return tuple(read_script(path) for path in sorted(suite_folder().glob("*.wast")))


def well_formed() -> Iterator[tuple[str, bytes]]:
    """Yield the modules of the suite that can be decoded, with the places that they come from."""
    for script in scripts():
        for command in script.commands:
            module = getattr(command, "module", None)
            if isinstance(module, BinaryModule) and not isinstance(command, AssertMalformed):
                yield f"{script.path.name}:{command.line}", module.binary
