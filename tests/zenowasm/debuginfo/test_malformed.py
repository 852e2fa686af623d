"""Debugging information that lies: whatever its bytes are, reading it ends with an answer or with one kind of error."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from support.debugged import c_at

from zenowasm.debuginfo.errors import DebugInfoError, UnavailableError
from zenowasm.debuginfo.info import DebugInfo
from zenowasm.interp.binary import decode


class Zeros:
    """A frame in which everything is zero."""

    def local(self, index: int) -> int:
        return 0

    global_ = operand = local

    def read(self, address: int, length: int) -> bytes:
        return bytes(length)


def ask_everything(module) -> None:
    """Ask what a debugger asks at every instruction of the program."""
    info = DebugInfo.of(module)
    if info is None:
        return
    offsets = info.offsets_of("records.c", 38) or [module.codes[-1].offset]
    info.files()
    for offset in offsets:
        info.line_at(offset)
        function = info.function_at(offset)
        if function is not None:
            function.inlined(offset - info._base)
        for variable in info.variables_at(offset):
            try:
                assert variable.type.name is not None
                info.value(variable, Zeros(), offset).text()
            except UnavailableError:
                continue
        info.global_at("nodes", offset)


def changed(module, name: str, data: bytes):
    return evolve(module, customs=tuple(evolve(it, data=data) if it.name == name else it for it in module.customs))


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_changed_bytes_and_cut_sections(data) -> None:
    module = decode(c_at("-O2").read_bytes())
    sections = {it.name: it.data for it in module.customs if it.name.startswith(".debug_")}
    name = data.draw(st.sampled_from(sorted(sections)))
    contents = bytearray(sections[name])
    for _ in range(data.draw(st.integers(1, 4))):
        contents[data.draw(st.integers(0, len(contents) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(contents))))
    try:
        ask_everything(changed(module, name, bytes(contents[:cut])))
    except DebugInfoError as error:
        assert str(error).startswith("the debugging information is malformed: ") or "has no" in str(error)


def test_a_section_that_is_missing() -> None:
    module = decode(c_at("-O2").read_bytes())
    for name in {it.name for it in module.customs if it.name.startswith(".debug_")}:
        without = evolve(module, customs=tuple(it for it in module.customs if it.name != name))
        try:
            ask_everything(without)
        except DebugInfoError as error:
            assert "malformed" in str(error)
