"""The fuel cost of instantiation: that of the start-up function that wasmtime compiles (bench/fuel-facts.md).

wasmtime initializes in advance, at no cost, everything that needs no evaluation and cannot fail. A function does the
rest, under the same rules as every other function: an entry, instructions, bulk operations, checks. A module with
nothing left to do has no such function, and its instantiation costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from attrs import frozen

from zenowasm.interp.instructions import TABLE, Immediate
from zenowasm.interp.matching import top
from zenowasm.interp.runtime.store import Store
from zenowasm.interp.syntax.module import DataSegment, ElementSegment, Expression, Instruction, SegmentMode, Table
from zenowasm.interp.types import AbsHeapType, RefType
from zenowasm.interp.validation import Context, ValidModule

_REF_FUNC = TABLE.by_mnemonic["ref.func"]
_GLOBAL_GET = TABLE.by_mnemonic["global.get"]
_INTEGERS = ((Immediate.I32,), (Immediate.I64,))
_NUMBERS = (*_INTEGERS, (Immediate.F32,), (Immediate.F64,), (Immediate.V128,))
_FUNCTIONS = RefType(False, AbsHeapType.FUNC)
ENTRY_FUEL = 1
CALL_FUEL = TABLE.by_mnemonic["call"].fuel
SMALL_LENGTH = 128
"""The greatest constant length of a bulk operation after which wasmtime does not check the budget."""
_MOST_ELEMENTS = 1 << 20
"""The maximum number of table elements that wasmtime initializes in advance."""
_SPARSE_IMAGE = 16 << 20
"""The size in bytes below which wasmtime keeps a memory image even if segments cover less than half of it."""
_PAGE_SIZE = 65536
_HOST_PAGE_SIZE = 4096

_Image: TypeAlias = list[tuple[int, bytes]]
"""The data segments of one memory, each as its position and its bytes."""


class Meter:
    """The fuel for starting one instance: charged as in straight-line code, consumed when it is settled."""

    __slots__ = ("_pending", "_store")

    def __init__(self, store: Store) -> None:
        """Begin with nothing charged."""
        self._store = store
        self._pending = 0

    def charge(self, count: int) -> None:
        """Add to the unsettled fuel."""
        self._pending += count

    def charge_bulk(self, count: int, *, small: bool) -> None:
        """Charge for a bulk operation; check the budget unless the operation's constant length is ``small``."""
        self._pending += count
        if not small:
            self.check()

    def check(self) -> None:
        """Settle; raises any error of the store's checkpoint if the budget is used up."""
        self.settle()
        store = self._store
        if store.settled_fuel >= store.checkpoint_fuel:
            store.checkpoint_fuel = store.checkpoint(store.settled_fuel)

    def settle(self) -> None:
        """Consume the charged fuel."""
        self._store.settled_fuel += self._pending
        self._pending = 0

    def forget(self) -> None:
        """Drop the fuel charged since it was last settled."""
        self._pending = 0


@frozen
class Startup:
    """The work left when a module starts. ``runs`` is true if any is left.

    The first ``placed_elements`` active element segments cost nothing. If ``writes_data`` is set, data segments are
    written one by one. Otherwise each memory that has data has an image: memories begin with theirs (``maps_data``),
    or ``copied_images`` lists the number of bytes to copy for each.
    """

    runs: bool
    placed_elements: int
    writes_data: bool
    maps_data: bool
    copied_images: Sequence[int]


def startup_of(valid: ValidModule) -> Startup:
    """Return the work left when a module starts; it is computed once and kept with the module."""
    if valid.startup is None:
        valid.startup = _startup(valid)
    startup: Startup = valid.startup
    return startup


def is_placed_value(expression: Expression) -> bool:
    """Return whether a global is initialized in advance: by a single numeric or vector constant."""
    first, *others = expression.instructions
    return len(others) == 1 and first.opcode.immediates in _NUMBERS


def is_placed_table(table: Table) -> bool:
    """Return whether a table is initialized in advance: with null, by default, or with one function."""
    return table.init is None or (
        len(table.init.instructions) == 2
        and table.init.instructions[0].opcode is _REF_FUNC
        and table.type.limits.minimum <= _MOST_ELEMENTS
    )


def by_index(segment: ElementSegment) -> bool:
    """Return whether the binary format spells a segment's functions as indices rather than expressions."""
    return segment.type == _FUNCTIONS and not segment.form & 4


def is_small_constant(valid: ValidModule, instruction: Instruction) -> bool:
    """Return whether an instruction pushes a length of at most 128 that wasmtime's compiler knows.

    Besides constants, the compiler knows immutable globals that are initialized by a constant.
    """
    opcode, immediates = instruction
    if opcode is _GLOBAL_GET:
        own = immediates[0] - valid.context.imported_globals
        if own < 0:
            return False
        entry = valid.module.globals[own]
        if entry.type.mutable or not is_placed_value(entry.init):
            return False
        opcode, immediates = entry.init.instructions[0]
    return opcode.immediates in _INTEGERS and immediates[0] <= SMALL_LENGTH


def _startup(valid: ValidModule) -> Startup:
    module, context = valid.module, valid.context
    active = [segment for segment in module.elements if segment.mode is SegmentMode.ACTIVE]
    placed = sum(1 for _ in _placed_elements(active, valid))
    data = [segment for segment in module.data if segment.mode is SegmentMode.ACTIVE]
    images = _images(data, context, len(context.memories) - len(module.memories))
    # wasmtime maps no image in a module that imports a memory.
    maps = bool(images) and len(context.memories) == len(module.memories)
    copied = () if maps else tuple(map(_image_size, images or ()))
    runs = (
        module.start is not None
        or not all(is_placed_value(entry.init) for entry in module.globals)
        or any(segment.mode is SegmentMode.PASSIVE for segment in module.elements)
        or not all(is_placed_table(table) for table in module.tables)
        or placed < len(active)
        or images is None
        or bool(copied)
        # The function runs if any memory has to be initialized; one without data counts as such.
        or (maps and len(images) < len(module.memories))
    )
    return Startup(runs, placed, images is None, maps, copied)


def _placed_elements(active: Sequence[ElementSegment], valid: ValidModule) -> Iterator[ElementSegment]:
    """Yield the segments that are initialized in advance: all before the first that cannot be."""
    module, context = valid.module, valid.context
    imported = len(context.tables) - len(module.tables)
    for segment in active:
        place = _constant_place(segment.place)
        if segment.table < imported or place is None or not by_index(segment):
            return
        table, end = module.tables[segment.table - imported], place + len(segment.init)
        if end > min(table.type.limits.minimum, _MOST_ELEMENTS) or not is_placed_table(table):
            return
        if top(context.tables[segment.table].element.heap) is not AbsHeapType.FUNC:
            return
        yield segment


def _images(data: Sequence[DataSegment], context: Context, imported: int) -> list[_Image] | None:
    """Return the images of the memories that have data, or ``None`` if a segment prevents all images."""
    images: dict[int, _Image] = {}
    for segment in data:
        place = _constant_place(segment.place)
        if segment.memory < imported or place is None:
            return None
        if place + len(segment.init) > context.memories[segment.memory].limits.minimum * _PAGE_SIZE:
            return None
        if segment.init:
            images.setdefault(segment.memory, []).append((place, segment.init))
    for image in images.values():
        start, end = _extent(image)
        if end - start >= max(_SPARSE_IMAGE, 2 * sum(len(init) for _, init in image)):
            return None
    return [images[memory] for memory in sorted(images)]


def _image_size(image: _Image) -> int:
    """Return an image's size in whole host pages, without zeros at either end unless all bytes are zero."""
    start, end = _extent(image)
    content = bytearray(end - start)
    for place, init in image:
        content[place - start : place - start + len(init)] = init
    if any(content):
        end = start + len(content.rstrip(b"\0"))
        start += len(content) - len(content.lstrip(b"\0"))
    return -(-end // _HOST_PAGE_SIZE) * _HOST_PAGE_SIZE - start // _HOST_PAGE_SIZE * _HOST_PAGE_SIZE


def _extent(image: _Image) -> tuple[int, int]:
    return min(place for place, _ in image), max(place + len(init) for place, init in image)


def _constant_place(place: Expression | None) -> int | None:
    if place is None or len(place.instructions) != 2:
        return None
    opcode, immediates = place.instructions[0]
    return int(immediates[0]) if opcode.immediates in _INTEGERS else None
