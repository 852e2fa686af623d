"""Functions that register themselves for rows."""

from __future__ import annotations

import pytest

from zenowasm.interp.errors import Crash
from zenowasm.interp.instructions import TABLE
from zenowasm.interp.instructions.registry import Registry

NOP, DROP = TABLE.by_mnemonic["nop"], TABLE.by_mnemonic["drop"]


def test_each_row_has_the_function_of_its_mnemonic() -> None:
    does = Registry[type(lambda: None)]("doer")

    @does("nop", "drop")
    def both() -> None: ...

    assert does.for_rows([NOP, DROP]) == {NOP: both, DROP: both}


@pytest.mark.parametrize(
    ("mnemonics", "message"),
    [
        (["nop"], r"doers are missing for \['drop'\] and not wanted for \[\]"),
        (["nop", "drop", "br"], r"doers are missing for \[\] and not wanted for \['br'\]"),
        (["nop", "dorp"], r"doers are missing for \['drop'\] and not wanted for \['dorp'\]"),
    ],
)
def test_rows_and_functions_must_be_the_same(mnemonics, message) -> None:
    does = Registry[type(lambda: None)]("doer")
    does(*mnemonics)(lambda: None)
    with pytest.raises(Crash, match=message):
        does.for_rows([NOP, DROP])


def test_a_row_has_one_function() -> None:
    does = Registry[type(lambda: None)]("doer")
    does("nop")(lambda: None)
    with pytest.raises(Crash, match="nop has two doers"):
        does("nop")(lambda: None)
