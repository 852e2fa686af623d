from zenowasm.zenolang.scope import Scope


def test_reading_looks_outwards_and_setting_stays_inside():
    outer = Scope({"a": 1, "b": 2})
    inner = outer.child({"b": 3})
    inner.set("a", 4)
    assert (inner.get("a"), inner.get("b")) == (4, 3)
    assert (outer.get("a"), outer.get("b")) == (1, 2)


def test_a_missing_variable_is_the_default():
    assert Scope().get("a") is None
    assert Scope().get("a", 5) == 5
    assert "a" not in Scope()


def test_nil_is_not_missing():
    scope = Scope({"a": None})
    assert "a" in scope.child()
    assert scope.child().get("a", 5) is None


def test_unset_uncovers_the_outer_variable():
    inner = Scope({"a": 1}).child({"a": 2})
    inner.unset("a")
    inner.unset("a")
    assert inner.get("a") == 1


def test_variables_are_all_that_can_be_seen():
    assert Scope({"a": 1, "b": 2}).child({"b": 3}).variables() == {"a": 1, "b": 3}


def test_a_copy_lives_on_its_own():
    outer = Scope({"a": 1})
    inner = outer.child({"b": 2})
    copy = inner.copy()
    copy.set("a", 5)
    outer.set("a", 6)
    inner.set("b", 7)
    assert copy.variables() == {"a": 5, "b": 2}
    assert inner.variables() == {"a": 6, "b": 7}
