"""Output as events: whole lines, and parts of very long ones."""

from __future__ import annotations

from zenowasm.frontends.output import OutputStream


def test_lines_are_passed_on_whole() -> None:
    passed: list[str] = []
    stream = OutputStream(passed.append)
    print("one", 2, file=stream)
    stream.write("thr")
    assert passed == ["one 2\n"]
    stream.write("ee\nfour\nfi")
    assert passed[1:] == ["three\nfour\n"]
    stream.flush()
    stream.flush()
    assert passed[2:] == ["fi"]


def test_a_line_that_does_not_end_is_passed_on_in_parts() -> None:
    passed: list[str] = []
    stream = OutputStream(passed.append)
    for _ in range(200):
        stream.write("x" * 1000)
    assert [len(it) for it in passed] == [66_000, 66_000, 66_000]
