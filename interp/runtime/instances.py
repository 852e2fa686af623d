"""Instances (specification, 4.2.4 to 4.2.12): the run-time form of a module's declarations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import define, field

from zenowasm.interp.canonical import canonical_func_type
from zenowasm.interp.runtime.memory import MemoryInstance
from zenowasm.interp.runtime.table import TableInstance
from zenowasm.interp.runtime.values import FunctionReference, TagReference, Value, check_value, check_values
from zenowasm.interp.types import DefType, FuncType, GlobalType, TagType
from zenowasm.interp.validation.context import function_type

if TYPE_CHECKING:
    from zenowasm.interp.runtime.store import Store
    from zenowasm.interp.validation import ValidModule


class GlobalInstance:
    """A global variable (4.2.9)."""

    __slots__ = ("store", "type", "value")

    def __init__(self, store: Store, type_: GlobalType, value: Value) -> None:
        """Create the global; raises ``TypeError`` or ``ValueError`` if the value does not fit."""
        self.store = store
        self.type = type_
        self.value = check_value(type_.value, value)

    def get(self) -> Value:
        """Return the value."""
        return self.value

    def set(self, value: Value) -> None:
        """Replace the value; raises ``TypeError`` if the global is immutable or the value does not fit."""
        if not self.type.mutable:
            raise TypeError("the global is immutable")
        self.value = check_value(self.type.value, value)


class FunctionInstance(FunctionReference):
    """A guest function (4.2.6). ``index`` is its index in ``module``, ``arity`` its number of parameters.

    ``code`` is the executor's compiled form, ``None`` before the first call.
    """

    __slots__ = ("arity", "code", "deftype", "index", "module", "type")

    def __init__(self, module: ModuleInstance, index: int, deftype: DefType) -> None:
        """Bind the function to its module instance."""
        self.module = module
        self.index = index
        self.code: Any = None
        self.deftype = deftype
        self.type = function_type(deftype)
        self.arity = len(self.type.parameters)

    def call(self, *arguments: Value) -> tuple[Value, ...]:
        """Call the function from outside; see ``Store.invoke``."""
        return self.module.store.invoke(self, arguments)


class InstanceCaller:
    """The calling module instance, as a host function sees it; it is empty if the host itself called."""

    __slots__ = ("_module",)

    def __init__(self, module: ModuleInstance | None) -> None:
        """Wrap that module instance."""
        self._module = module

    def export(self, name: str) -> Extern | None:
        """Return an export of the calling instance, or ``None``."""
        return None if self._module is None else self._module.exports.get(name)


class HostFunction(FunctionReference):
    """A host function (4.2.6)."""

    __slots__ = ("arity", "body", "deftype", "store", "type")

    def __init__(
        self,
        store: Store,
        type_: FuncType,
        body: Callable[[InstanceCaller, tuple[Value, ...]], Sequence[Value]],
    ) -> None:
        """Wrap a host function for guests of that store."""
        self.store = store
        self.type = type_
        self.arity = len(type_.parameters)
        self.deftype = canonical_func_type(type_)
        self.body = body

    def call(self, *arguments: Value) -> tuple[Value, ...]:
        """Call the function from outside; see ``Store.invoke``."""
        return self.store.invoke(self, arguments)

    def run(self, caller: ModuleInstance | None, arguments: tuple[Value, ...]) -> list[Value]:
        """Run the body; raises ``TypeError`` or ``ValueError`` if its results do not fit the type."""
        results = self.body(InstanceCaller(caller), arguments)
        if len(results) != len(self.type.results):
            raise TypeError(f"a host function of type {self.type} returned {len(results)} results")
        return check_values(self.type.results, results)


class TagInstance(TagReference):
    """A tag (4.2.10), compared by identity."""

    __slots__ = ("deftype", "store")

    def __init__(self, store: Store, deftype: DefType) -> None:
        """Create a tag whose exceptions carry values of that type's parameter types."""
        self.store = store
        self.deftype = deftype

    @property
    def type(self) -> TagType:
        """The tag's type."""
        return TagType(function_type(self.deftype))


Function: TypeAlias = FunctionInstance | HostFunction
Extern: TypeAlias = FunctionInstance | HostFunction | MemoryInstance | TableInstance | GlobalInstance | TagInstance


@define(eq=False)
class ModuleInstance:
    """A module in a store (4.2.5). A dropped segment is empty."""

    store: Store = field(repr=False)
    valid: ValidModule = field(repr=False)
    functions: list[Function] = field(factory=list, repr=False)
    tables: list[TableInstance] = field(factory=list, repr=False)
    memories: list[MemoryInstance] = field(factory=list, repr=False)
    globals: list[GlobalInstance] = field(factory=list, repr=False)
    tags: list[TagInstance] = field(factory=list, repr=False)
    elements: list[list[Value]] = field(factory=list, repr=False)
    data: list[bytes] = field(factory=list, repr=False)
    exports: Mapping[str, Extern] = field(factory=dict, repr=False)

    def clear(self) -> None:
        """Release everything that the instance holds."""
        for space in (self.functions, self.tables, self.memories, self.globals, self.tags, self.elements, self.data):
            space.clear()
        self.exports = {}
