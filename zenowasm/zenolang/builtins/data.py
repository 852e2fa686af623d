"""The slots that print, compute or fetch a value.

A result is stored in the variable after `as`, or by default under the original's name, which each slot states.
Source: the ABI document, "ZenoLang, the part `run script.zl` needs".
"""

from __future__ import annotations

from zenowasm.zenolang import values
from zenowasm.zenolang.errors import OperationError
from zenowasm.zenolang.evaluator import variable_name
from zenowasm.zenolang.slots import Slot, SlotCall, SlotFunction
from zenowasm.zenolang.syntax import Statement


def print_(call: SlotCall) -> None:
    """`print: v` prints the value."""
    call.evaluator.write(_message(call))


def _logger(label: str) -> SlotFunction:
    def log(call: SlotCall) -> None:
        call.evaluator.write(f"[{label}]: {_message(call)}")

    log.__doc__ = f"Print the value after `[{label}]: `."
    return log


def var(call: SlotCall) -> None:
    """`var: $n { val: 10 }`, also `scope.set { key: "n", val: 10 }` and `type: "int"` to check it."""
    name_child = _first(call.node, "key", "name")
    name = variable_name(name_child.value if name_child else call.node.value, call.name)
    value_child = _first(call.node, "val", "value")
    value = None if value_child is None else call.evaluator.data(value_child, call.scope)
    type_child = call.node.child("type")
    if type_child is not None:
        declared = values.text(call.evaluator.data(type_child, call.scope))
        if not values.has_type(value, declared):
            raise OperationError(f"`${name}` is declared {declared}, but the value is {values.type_name(value)}")
    call.scope.set(name, value)


def json_parse(call: SlotCall) -> None:
    """`json.parse: $text { as: $v }`; without `as` the result is `$json_result`."""
    source = _subject(call)
    if not isinstance(source, str):
        raise OperationError(f"json.parse needs text, not {values.type_name(source)}")
    call.bind(call.evaluator.checked(values.from_json(source)), "json_result")


def json_stringify(call: SlotCall) -> None:
    """`json.stringify: $v { as: $text }`; without `as` the result is `$json_string`."""
    call.bind(call.evaluator.checked(values.to_json(_subject(call))), "json_string")


def strings_concat(call: SlotCall) -> None:
    """`strings.concat: "a" { val: $b val: "c" as: $text }`; without `as` it is logged."""
    # Read from the node: the parts may all be named `val`, and a map of parameters keeps only the last.
    parts = [call.evaluator.evaluate(call.node.value, call.scope)] if call.node.value else []
    parts += [call.evaluator.data(child, call.scope) for child in call.node.children if child.name != "as"]
    # Checked before joining, because each part may have the maximum length.
    call.evaluator.checked(texts := [values.text(part) for part in parts])
    if call.as_name:
        call.scope.set(call.as_name, "".join(texts))
    else:
        call.evaluator.write("[LOG]: " + "".join(texts))


def length(call: SlotCall) -> None:
    """`len: $v { as: $n }` counts characters, items or entries; without `as` it is `$len_result`."""
    value = _subject(call)
    if value is not None and not isinstance(value, str | list | dict):
        raise OperationError(f"len needs text, a list or a map, not {values.type_name(value)}")
    call.bind(len(value or ()), "len_result")


def coalesce(call: SlotCall) -> None:
    """`coalesce: $a { default: "b" as: $r }` takes the first value, item or child that is not missing.

    Without `as` the result is `$coalesce_result`.
    """
    candidates = call.value if isinstance(call.value, list) else [call.value]
    candidates = [*candidates, *call.parameters.values()]
    call.bind(next((value for value in candidates if not values.missing(value)), None), "coalesce_result")


def sleep(call: SlotCall) -> None:
    """`sleep: 500` waits for 500 milliseconds."""
    value = call.value
    if not values.is_number(value) or value < 0:
        raise OperationError("sleep needs milliseconds, a number from 0")
    # An integer too large for a float is capped; it exceeds the limit in any case.
    call.evaluator.sleep(min(value, 10**12) / 1000)


def system_env(call: SlotCall) -> None:
    """`system.env: "HOME" { as: $home }`, nil if unset; without `as` the variable has the same name."""
    if not isinstance(call.value, str):
        raise OperationError("system.env needs a name")
    found = call.evaluator.environment.get(call.value)
    # The environment may contain bytes that are not text, which Python represents as surrogates.
    call.bind(found and found.encode(errors="replace").decode(), call.value)


def _message(call: SlotCall) -> str:
    return values.text(call.value if call.has_value or not call.parameters else call.parameters)


def _subject(call: SlotCall) -> object:
    """Return the slot's operand: its own value, or its `val`."""
    return call.parameters.get("val", call.value)


def _first(statement: Statement, *names: str) -> Statement | None:
    return next((child for name in names if (child := statement.child(name)) is not None), None)


_RAW: dict[str, SlotFunction] = {"var": var, "set": var, "scope.set": var, "strings.concat": strings_concat}

_EVALUATED: dict[str, SlotFunction] = {
    "print": print_,
    "log": _logger("LOG"),
    "log.debug": _logger("DEBUG"),
    "log.info": _logger("INFO"),
    "log.warn": _logger("WARN"),
    "log.error": _logger("ERROR"),
    "json.parse": json_parse,
    "json.stringify": json_stringify,
    "len": length,
    "coalesce": coalesce,
    "sleep": sleep,
    "system.env": system_env,
}

SLOTS = tuple(
    Slot(name=name, function=function, description=function.__doc__ or "", builtin=True, raw=raw)
    for raw, functions in ((True, _RAW), (False, _EVALUATED))
    for name, function in functions.items()
)
