"""Instances (specification, 4.2.4 to 4.2.12): what a module's declarations become at run time."""

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
        """Create it; raises ``TypeError`` or ``ValueError`` when the value does not fit."""
        self.store = store
        self.type = type_
        self.value = check_value(type_.value, value)

    def get(self) -> Value:
        """Return the value."""
        return self.value

    def set(self, value: Value) -> None:
        """Replace the value; raises ``TypeError`` when the global is immutable or the value does not fit."""
        if not self.type.mutable:
            raise TypeError("the global is immutable")
        self.value = check_value(self.type.value, value)


class FunctionInstance(FunctionReference):
    """A function of a guest (4.2.6). ``index`` is its index in ``module``, ``arity`` its number of parameters.

    ``code`` is what an executor made of it, ``None`` before its first call.
    """

    __slots__ = ("arity", "code", "deftype", "index", "module", "type")

    def __init__(self, module: ModuleInstance, index: int, deftype: DefType) -> None:
        """Close the function over its module instance."""
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
    """The calling module instance, as a host function sees it; empty when the host itself called."""

    __slots__ = ("_module",)

    def __init__(self, module: ModuleInstance | None) -> None:
        """Look at that module instance."""
        self._module = module

    def export(self, name: str) -> Extern | None:
        """Return an export of the calling instance, or ``None``."""
        return None if self._module is None else self._module.exports.get(name)


class HostFunction(FunctionReference):
    """A function of the host (4.2.6)."""

    __slots__ = ("arity", "body", "deftype", "store", "type")

    def __init__(
        self,
        store: Store,
        type_: FuncType,
        body: Callable[[InstanceCaller, tuple[Value, ...]], Sequence[Value]],
    ) -> None:
        """Wrap a function of the host for guests of that store."""
        self.store = store
        self.type = type_
        self.arity = len(type_.parameters)
        self.deftype = canonical_func_type(type_)
        self.body = body

    def call(self, *arguments: Value) -> tuple[Value, ...]:
        """Call the function from outside; see ``Store.invoke``."""
        return self.store.invoke(self, arguments)

    def run(self, caller: ModuleInstance | None, arguments: tuple[Value, ...]) -> list[Value]:
        """Run the body; raises ``TypeError`` or ``ValueError`` when its results do not fit the type."""
        results = self.body(InstanceCaller(caller), arguments)
        if len(results) != len(self.type.results):
            raise TypeError(f"a host function of type {self.type} returned {len(results)} results")
        return check_values(self.type.results, results)


class TagInstance(TagReference):
    """A tag (4.2.10), known by its identity."""

    __slots__ = ("deftype", "store")

    def __init__(self, store: Store, deftype: DefType) -> None:
        """Create a tag whose exceptions carry the parameters of that type."""
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
        """Forget everything that the instance holds."""
        for space in (self.functions, self.tables, self.memories, self.globals, self.tags, self.elements, self.data):
            space.clear()
        self.exports = {}
