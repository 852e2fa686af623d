import pytest

from zenowasm.zenolang import SlotCall, SlotError, SlotRegistrationError, default_registry
from zenowasm.zenolang.slots import STRUCTURAL


def nothing(call: SlotCall) -> None:
    """Do nothing."""


def test_a_registered_slot_is_called(run):
    calls: list[SlotCall] = []
    registry = default_registry()
    registry.register("hello.greet", calls.append, description="greets", inputs={"id": "string"})
    result = run('hello.greet: 5 { name: "World", id: 007, age: 007, as: $r, async: true }', registry=registry)
    (call,) = calls
    assert (call.name, call.value, call.has_value) == ("hello.greet", 5, True)
    assert call.parameters == {"name": "World", "id": "007", "age": 7}
    assert list(call.parameters) == ["name", "id", "age"]
    assert (call.as_name, call.is_async) == ("r", True)
    assert call.scope is result.scope
    assert str(call.position) == "test.zl:1:1"
    assert call.node.name == "hello.greet"


def test_absent_parts_are_absent(run):
    calls: list[SlotCall] = []
    registry = default_registry()
    registry.register("a", calls.append)
    run("a\na: nil", registry=registry)
    absent, nil = calls
    assert (absent.value, absent.has_value, absent.parameters) == (None, False, {})
    assert (absent.as_name, absent.is_async) == (None, False)
    assert (nil.value, nil.has_value) == (None, True)


@pytest.mark.parametrize(
    ("written", "received"),
    [
        ("007", "007"),
        ("t", "t"),
        ("true", "true"),
        ("1.0", "1.0"),
        ("-5", "-5"),
        ('"007"', "007"),
        ("$n", "7"),
        ("nil", "nil"),
        ("[1]", [1]),
        ("$no", None),
    ],
)
def test_a_declared_string(run, written: str, received: object):
    calls: list[SlotCall] = []
    registry = default_registry()
    registry.register("a", calls.append, inputs={"id": "string", "value": "string"})
    run(f"a: {written} {{ id: {written} }}", registry=registry, variables={"n": 7})
    assert calls[0].parameters == {"id": received}
    assert calls[0].value == received


def test_nested_blocks_are_maps(run):
    calls: list[SlotCall] = []
    registry = default_registry()
    registry.register("a", calls.append)
    run('a { data: { x: 1, y: { z: "$n" } } k: 5 { l: 6 } }', registry=registry, variables={"n": 7})
    assert calls[0].parameters == {"data": {"x": 1, "y": {"z": "7"}}, "k": {"value": 5, "l": 6}}


def test_a_slot_error_gets_the_place_of_the_call(run):
    def fail(call: SlotCall) -> None:
        raise SlotError("the plugin is tired")

    registry = default_registry()
    registry.register("a", fail)
    with pytest.raises(SlotError) as caught:
        run("print: 1\n  a", registry=registry)
    assert str(caught.value) == "test.zl:2:3: the plugin is tired"


def test_a_slot_has_one_owner():
    registry = default_registry()
    registry.register("a", nothing)
    with pytest.raises(SlotRegistrationError, match="`a` is already registered"):
        registry.register("a", nothing)
    registry.register("a", print, replace=True)  # type: ignore[arg-type]
    slot = registry.get("a")
    assert slot is not None
    assert slot.function is print


@pytest.mark.parametrize("slot", [*(slot.name for slot in default_registry())])
def test_a_built_in_is_nobodys(slot: str):
    registry = default_registry()
    with pytest.raises(SlotRegistrationError, match="built in"):
        registry.register(slot, nothing, replace=True)
    with pytest.raises(SlotRegistrationError, match="built in"):
        registry.unregister(slot)


@pytest.mark.parametrize("name", [*sorted(STRUCTURAL), "", "$a", "a b", "a.", "9a", "a\n"])
def test_a_name_that_no_script_could_call(name: str):
    with pytest.raises(SlotRegistrationError):
        default_registry().register(name, nothing)


def test_unregister():
    registry = default_registry()
    registry.register("a", nothing)
    registry.unregister("a")
    assert "a" not in registry
    with pytest.raises(SlotRegistrationError, match="`a` is not registered"):
        registry.unregister("a")


def test_registries_share_nothing():
    default_registry().register("a", nothing)
    assert "a" not in default_registry()


def test_the_nearest_name():
    registry = default_registry()
    registry.register("hello.greet", nothing)
    assert registry.nearest("hello.gret") == "hello.greet"
    assert registry.nearest("zzzzzzzz") is None


def test_every_built_in_is_described():
    assert all(slot.description for slot in default_registry())
