"""The slots whose children are code: conditions, loops, functions, errors.

A block shares the variables of the surrounding code, as in the original. If a slot has one block, it may be
written with its word (`do: {..}`) or without. Source: the ABI document, "ZenoLang, the part `run script.zl` needs".
"""

from __future__ import annotations

from collections.abc import Iterator

from zenowasm.zenolang import values
from zenowasm.zenolang.errors import LimitError, OperationError, UnknownFunctionError, ZenoError
from zenowasm.zenolang.evaluator import (
    BreakLoop,
    ContinueLoop,
    Function,
    ReturnValue,
    outside_of_loop,
    variable_name,
)
from zenowasm.zenolang.slots import Slot, SlotCall
from zenowasm.zenolang.syntax import Assignment, ListLiteral, Statement, Text


def if_(call: SlotCall) -> None:
    """`if: cond { then: {..} else: {..} }`."""
    if call.evaluator.condition(call.node, call.scope):
        _run(call, _block(call.node, "then", besides=("else",)))
    elif otherwise := call.node.child("else"):
        _run(call, otherwise.children)


def while_(call: SlotCall) -> None:
    """`while: cond { do: {..} }`."""
    body = _block(call.node, "do")
    while call.evaluator.condition(call.node, call.scope) and _run_turn(call, body):
        pass


def for_(call: SlotCall) -> None:
    """`for: "$i = 0; $i < 3; $i++" { do: {..} }`; with a list instead it is `foreach`."""
    quoted = call.node.value
    if not isinstance(quoted, Text):
        foreach(call)
        return
    header = call.evaluator.loop_header(quoted)
    body = _block(call.node, "do")
    _assign(call, header.start)
    while header.condition is None or values.truthy(call.evaluator.evaluate(header.condition, call.scope)):
        if not _run_turn(call, body):
            break
        _assign(call, header.advance)


def foreach(call: SlotCall) -> None:
    """`foreach: $list { as: $item do: {..} }`, over a list's items or a map's values.

    The item is `$item` unless `as` names it. `$loop` holds index (from 0), iteration (from 1), count,
    remaining, first, last, even, odd, the map's key, and the outer loop as parent.
    """
    items, keys = _items(call)
    body = _block(call.node, "do", besides=("as",))
    outer_loop, nested = call.scope.get("loop"), "loop" in call.scope
    count = len(items)
    for index, item in enumerate(items):
        loop: dict[str, object] = {
            "index": index,
            "iteration": index + 1,
            "remaining": count - index - 1,
            "count": count,
            "first": index == 0,
            "last": index == count - 1,
            "even": index % 2 == 1,
            "odd": index % 2 == 0,
        }
        if keys:
            loop["key"] = keys[index]
        if nested:
            loop["parent"] = outer_loop
        call.scope.set(call.as_name or "item", item)
        call.scope.set("loop", loop)
        if not _run_turn(call, body):
            break
    if nested:
        call.scope.set("loop", outer_loop)
    else:
        call.scope.unset("loop")


def switch(call: SlotCall) -> None:
    """`switch: $v { case: 1 {..} case: "a" {..} default: {..} }`; only the first match runs."""
    value = _value(call)
    for case in call.node.children:
        if case.name == "case" and case.value is not None:
            if values.equal(value, call.evaluator.evaluate(case.value, call.scope)):
                _run(call, _block(case, "do"))
                return
        elif case.name not in ("case", "default"):
            raise OperationError(f"`switch` holds `case` and `default`, not `{case.name}`")
    if default := call.node.child("default"):
        _run(call, _block(default, "do"))


def try_(call: SlotCall) -> None:
    """`try { do: {..} catch: {..} as: $e }`: an error's message is `$e`, or `$error` without `as`.

    Without `catch` the error propagates. An exceeded limit always does.
    """
    try:
        _run(call, _block(call.node, "do", besides=("catch", "as")))
    except LimitError:
        raise
    except ZenoError as error:
        catch = call.node.child("catch")
        if catch is None:
            raise
        call.bind(error.message, "error")
        _run(call, catch.children)


def fn(call: SlotCall) -> None:
    """`fn: name {..}` or `fn: name { params: [a, b] do: {..} }` defines a function for the whole run.

    With `params` it has its own variables; without, its body runs as if written at the call, as in the original.
    """
    name = variable_name(call.node.value, "fn")
    declared = call.node.child("params")
    parameters = None
    if declared is not None:
        if not isinstance(declared.value, ListLiteral):
            raise OperationError("`params` needs a list of names", hint="such as [a, b]")
        parameters = tuple(variable_name(item, "params") for item in declared.value.items)
    body = _block(call.node, "do", besides=("params",))
    call.evaluator.functions[name] = Function(name=name, parameters=parameters, body=body)


def call_(call: SlotCall) -> None:
    """`call: name { a: 1 as: $result }` runs a function; `args: {..}` may hold the arguments instead.

    A function with arguments has its own variables and sees the caller's. A parameter without an argument is nil.
    `as` binds the function's return value.
    """
    name = values.text(_value(call))
    function = call.evaluator.functions.get(name)
    if function is None:
        raise UnknownFunctionError(f"unknown function `{name}`", hint="`fn` defines one, before the call")
    arguments = _arguments(call)
    scope = call.scope
    if function.parameters is not None:
        unexpected = [argument for argument in arguments if argument not in function.parameters]
        if unexpected:
            known = ", ".join(function.parameters) or "none"
            raise OperationError(f"function `{name}` has no parameter `{unexpected[0]}`", hint=f"it has: {known}")
        arguments = dict.fromkeys(function.parameters) | arguments
    if function.parameters is not None or arguments:
        scope = call.scope.child(arguments)
    result = None
    try:
        call.evaluator.run_block(function.body, scope)
    except ReturnValue as returned:
        result = returned.value
    except (BreakLoop, ContinueLoop) as misplaced:
        raise outside_of_loop(misplaced) from None
    if call.as_name:
        call.scope.set(call.as_name, result)


def include(call: SlotCall) -> None:
    """`include: "f.zl"` runs another file in the scripts' folder with the same variables and functions."""
    result = call.evaluator.include(values.text(_value(call)), call.scope)
    if call.as_name:
        call.scope.set(call.as_name, result)


def return_(call: SlotCall) -> None:
    """`return` or `return: v` ends the function, or the file outside functions."""
    raise ReturnValue(call.position, call.evaluator.data(call.node, call.scope))


def break_(call: SlotCall) -> None:
    """`break`, or `break: cond`, leaves the loop."""
    if call.node.value is None or call.evaluator.condition(call.node, call.scope):
        raise BreakLoop(call.position)


def continue_(call: SlotCall) -> None:
    """`continue`, or `continue: cond`, continues with the next iteration."""
    if call.node.value is None or call.evaluator.condition(call.node, call.scope):
        raise ContinueLoop(call.position)


def _value(call: SlotCall) -> object:
    if call.node.value is None:
        raise OperationError(f"`{call.name}` needs a value")
    return call.evaluator.evaluate(call.node.value, call.scope)


def _block(statement: Statement, word: str, besides: tuple[str, ...] = ()) -> tuple[Statement, ...]:
    """Return the block of the child with this name, or else all children except those in `besides`."""
    named = statement.child(word)
    if named is not None:
        return named.children
    return tuple(child for child in statement.children if child.name not in besides)


def _run(call: SlotCall, statements: tuple[Statement, ...]) -> None:
    call.evaluator.run_block(statements, call.scope)


def _run_turn(call: SlotCall, body: tuple[Statement, ...]) -> bool:
    """Run a loop's body once; return False after a `break`."""
    call.evaluator.spend_step()
    try:
        _run(call, body)
    except ContinueLoop:
        pass
    except BreakLoop:
        return False
    return True


def _assign(call: SlotCall, assignment: Assignment | None) -> None:
    if assignment is not None:
        call.scope.set(assignment.name, call.evaluator.evaluate(assignment.value, call.scope))


def _items(call: SlotCall) -> tuple[list[object], list[str]]:
    """Return the items to iterate over, and their keys if the value is a map."""
    source = _value(call)
    if isinstance(source, dict):
        return list(source.values()), list(source)
    if source is None or isinstance(source, list):
        return source or [], []
    raise OperationError(f"`{call.name}` needs a list or a map, not {values.type_name(source)}")


def _arguments(call: SlotCall) -> dict[str, object]:
    named = call.node.child("args")
    if named is None:
        children: Iterator[Statement] = (child for child in call.node.children if child.name != "as")
        return {child.name: call.evaluator.data(child, call.scope) for child in children}
    arguments = call.evaluator.data(named, call.scope)
    if not isinstance(arguments, dict):
        raise OperationError("`args` needs a map", hint="such as { name: $value }")
    return arguments


_FUNCTIONS = {
    "if": if_,
    "while": while_,
    "for": for_,
    "foreach": foreach,
    "switch": switch,
    "try": try_,
    "fn": fn,
    "call": call_,
    "include": include,
    "return": return_,
    "break": break_,
    "continue": continue_,
}

SLOTS = tuple(
    Slot(name=name, function=function, description=function.__doc__ or "", builtin=True, raw=True)
    for name, function in _FUNCTIONS.items()
)
