"""Text that guests and files chose. What is a control or a format character is Unicode's word, not ours."""

from __future__ import annotations

import unicodedata

import pytest

from zenowasm.display import nearest, visible, visible_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("naïve 日本 📦", "naïve 日本 📦"),
        ("a\nPermissions:\r\tb", r"a\nPermissions:\r\tb"),
        ("\x1b[2J\x9b2J\x7f\0", r"\x1b[2J\x9b2J\x7f\x00"),
        ("\u202egnp.exe\u2066\u200b\ufeff", r"\u202egnp.exe\u2066\u200b\ufeff"),
        ("\u2028\x85", r"\u2028\x85"),
        ("caf\udce9.wast", r"caf\udce9.wast"),
    ],
)
def test_a_line(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_no_control_format_or_surrogate_is_shown_as_it_is() -> None:
    everything = "".join(map(chr, range(0x110000)))
    left = {unicodedata.category(character) for character in visible(everything)}
    assert not left & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert len(visible_lines(everything).splitlines()) == 2


def test_lines_keep_their_ends_and_tabs() -> None:
    assert visible_lines("a\tb\x1b[2J\nc\r\n") == "a\tb\\x1b[2J\nc\\r\n"


def test_the_nearest_word_is_found_quickly_however_long_the_word_is():
    assert nearest("gret", ["print", "greet"]) == "greet"
    assert nearest("nothing like it", ["print", "greet"]) is None
    assert nearest("x" * 1_000_000, ["x" * 100]) == "x" * 100
