"""QuickJS as text and back: flat and folded, both parsers make the same module of it."""

from __future__ import annotations

import pytest
from real_modules.test_quickjs import quickjs
from support.modules import essence
from support.wasm import wat

from zenowasm.interp.binary import decode, decode_names, encode
from zenowasm.interp.text import parse_module
from zenowasm.interp.text.printer import Form, ModulePrinter


@pytest.mark.parametrize("form", [Form.FLAT, Form.FOLDED])
def test_a_large_module_is_the_same_again(form: Form) -> None:
    module = decode(quickjs())
    names = decode_names(module)
    text = "\n".join(ModulePrinter(module, names, form=form).module_text())
    again = decode(wat(text))
    assert encode(parse_module(text)) == wat(text)
    assert essence(again) == essence(module)
    assert decode_names(again) == names
