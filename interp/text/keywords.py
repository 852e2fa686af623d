"""The words of the text format (specification, 6.2.2), which let an error say whether a token is known."""

from __future__ import annotations

from collections.abc import Mapping

from zenowasm.interp.instructions import TABLE
from zenowasm.interp.text.lexer import identifier, string_bytes
from zenowasm.interp.text.values import is_number
from zenowasm.interp.types import AbsHeapType, NumType, PackedType, RefType, VecType

SECTION_WORDS: Mapping[str, str] = {
    "type": "types",
    "import": "imports",
    "func": "functions",
    "table": "tables",
    "memory": "memories",
    "tag": "tags",
    "global": "globals",
    "export": "exports",
    "start": "start",
    "elem": "elements",
    "datacount": "data_count",
    "code": "codes",
    "data": "data",
}
"""The sections, by the words for them in annotations of custom sections."""
_GRAMMAR = (
    "module binary quote type rec sub final func param result local struct array field mut ref null "
    "import export table memory global tag elem data start offset item declare then definition instance "
    "catch catch_ref catch_all catch_all_ref i8x16 i16x8 i32x4 i64x2 f32x4 f64x2"
)
KEYWORDS = frozenset(
    [
        *_GRAMMAR.split(),
        *TABLE.by_mnemonic,
        *[str(type_) for type_ in (*NumType, *VecType, *PackedType, *AbsHeapType)],
        *[str(RefType(True, heap)) for heap in AbsHeapType],
    ]
)
"""The words of the grammar."""


def is_known(token: str) -> bool:
    """Return whether a token is a parenthesis, a string, an identifier, a number or a word of the grammar."""
    if '"' in token:
        return string_bytes(token) is not None or identifier(token) is not None
    return token[:1] in ("(", ")", "$") or token in KEYWORDS or is_number(token)
