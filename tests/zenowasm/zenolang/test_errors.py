from zenowasm.zenolang.errors import Position, ZenoError


def test_an_error_is_printed_with_its_place_and_hint():
    error = ZenoError("no such thing", Position("a.zl", 3, 7), hint="try another")
    assert str(error) == "a.zl:3:7: no such thing (try another)"
    assert (error.file, error.line, error.column) == ("a.zl", 3, 7)


def test_an_error_without_a_place_is_its_message():
    error = ZenoError("no such thing")
    assert str(error) == "no such thing"
    assert (error.file, error.line, error.column) == ("", 0, 0)


def test_locating_keeps_a_more_precise_place():
    error = ZenoError("no such thing")
    error.locate(Position("a.zl", 3, 7))
    error.locate(Position("a.zl", 1, 1))
    assert error.line == 3
