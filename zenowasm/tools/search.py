"""Search for instructions by their text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import frozen

from zenowasm.interp.binary import decode, decode_names
from zenowasm.interp.progress import Progress
from zenowasm.interp.syntax.module import ExternKind
from zenowasm.interp.text.printer import ModulePrinter
from zenowasm.tools.naming import function_names, readable


@frozen
class Match:
    """An instruction: its function's index and name, its index in the body, its byte offset and its text."""

    function: int
    name: str
    pc: int
    offset: int
    text: str


def search(binary: bytes, pattern: re.Pattern[str], progress: Progress | None = None) -> Iterator[Match]:
    """Yield the instructions whose text, such as ``i32.load offset=4``, contains a match of the pattern.

    Raises ``DecodeError`` or ``LimitError`` if the module or a body is malformed.
    """
    module = decode(binary, progress=progress)
    names = decode_names(module)
    shown = function_names(module, names)
    printer = ModulePrinter(module, names)
    for index, code in enumerate(module.codes, len(module.imported(ExternKind.FUNC))):
        for line in printer.instructions(index, code.body()):
            if pattern.search(line.text):
                yield Match(index, readable(shown[index]), line.pc, line.offset, line.text)
