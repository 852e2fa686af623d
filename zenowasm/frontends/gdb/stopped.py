"""The guest at a stop: what a client asks about it, answered in the guest's thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from zenowasm.debugger import FrameView, Reason, Session, Stop, Variable
from zenowasm.frontends.addresses import Address
from zenowasm.frontends.gdb.errors import PacketError
from zenowasm.frontends.gdb.modules import Modules
from zenowasm.interp.errors import Trap, TrapCode
from zenowasm.interp.numerics.floats import f32_to_bits, f64_to_bits
from zenowasm.interp.types import F32, F64, I32, I64, V128

THREAD: Final = 1
"""The only thread that a client sees: while one thread is stopped, another that has to stop waits."""
LONGEST_READ: Final = 60 << 10
"""The maximum number of bytes in one answer."""
_MOST_FRAMES: Final = 4096
_SIZES: Final = MappingProxyType({I32: 4, I64: 8, F32: 4, F64: 8, V128: 16})
_ADDRESS_BYTES: Final = 8

_SIGINT, _SIGILL, _SIGTRAP, _SIGFPE, _SIGSEGV, _SIGWINCH = 2, 4, 5, 8, 11, 28
_SIGNALS: Final[Mapping[TrapCode, int]] = MappingProxyType(
    {
        TrapCode.UNREACHABLE: _SIGILL,
        TrapCode.INTEGER_DIVIDE_BY_ZERO: _SIGFPE,
        TrapCode.INTEGER_OVERFLOW: _SIGFPE,
        TrapCode.INVALID_CONVERSION_TO_INTEGER: _SIGFPE,
        TrapCode.OUT_OF_BOUNDS_MEMORY_ACCESS: _SIGSEGV,
        TrapCode.OUT_OF_BOUNDS_TABLE_ACCESS: _SIGSEGV,
        TrapCode.OUT_OF_BOUNDS_ARRAY_ACCESS: _SIGSEGV,
    }
)


class Stopped:
    """The current stop of a session, and the breakpoints that the client has set, by address."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.modules = Modules()
        self._stop = Stop(Reason.STEP)
        self._breakpoints: dict[int, int] = {}
        self._watchpoints: dict[tuple[int, int], int] = {}

    def begin(self, stop: Stop) -> str:
        """Begin a stop, and return the reply that describes it."""
        self._stop = stop
        has_loaded = self.modules.see(self._views())
        return self.reply(has_loaded=has_loaded)

    def reply(self, *, has_loaded: bool = False) -> str:
        """Return the reply that describes the stop; with ``has_loaded``, the client looks at the modules again."""
        pc = self.registers()
        signal, details = self._described(self._stop)
        library = "library:1;" if has_loaded else ""
        threads = f"thread:{THREAD};threads:{THREAD};thread-pcs:{self._pc(self._view(0)):x};00:{pc};"
        return f"T{signal:02x}{threads}{library}{details}"

    def _described(self, stop: Stop) -> tuple[int, str]:
        match stop.reason:
            case Reason.BREAKPOINT:
                return _SIGTRAP, "reason:breakpoint;"
            case Reason.WATCHPOINT:
                return _SIGTRAP, f"watch:{self._watched(stop):x};"
            case Reason.TRAP:
                code = stop.error.code if isinstance(stop.error, Trap) else None
                signal = _SIGTRAP if code is None else _SIGNALS.get(code, _SIGTRAP)
                return signal, f"reason:exception;description:{_hex_text(str(stop.error))};"
            case Reason.PAUSE:
                return _SIGINT, "reason:signal;"
            case Reason.LOAD:
                return _SIGWINCH, "reason:signal;"  # clients pass over this signal
            case Reason.BEGINNING:
                return _SIGTRAP, "replaylog:begin;"
            case Reason.END:
                return _SIGTRAP, "replaylog:end;"
            case _:
                return _SIGTRAP, "reason:trace;"

    def _watched(self, stop: Stop) -> int:
        """Return the address of a changed watchpoint."""
        changed = {it.watchpoint.number for it in stop.changes}
        return next((address for (address, _), number in self._watchpoints.items() if number in changed), 0)

    # -- frames --

    def _views(self) -> list[FrameView]:
        return [it for it in self.session.backtrace() if isinstance(it, FrameView)]

    def _view(self, level: int) -> FrameView:
        views = self._views()
        if not 0 <= level < len(views):
            raise PacketError(f"there is no frame {level} of {len(views)}")
        return views[level]

    def _pc(self, view: FrameView) -> int:
        """Return the address at which an active call goes on."""
        loaded = self.modules.of(view.program)
        lines = view.program.function(view.frame.function.index).lines
        if view.level:
            return loaded.address(lines[min(view.pc + 1, len(lines) - 1)].offset)
        # A client may have set the breakpoint where a function begins, which is not an instruction.
        reached = {it.number for it in self._stop.breakpoints}
        return next((at for at, it in self._breakpoints.items() if it in reached), loaded.address(view.line.offset))

    def registers(self) -> str:
        """Return the only register, the address of the next instruction."""
        return self._pc(self._view(0)).to_bytes(_ADDRESS_BYTES, "little").hex()

    def call_stack(self) -> str:
        """Return the addresses at which the active calls go on, innermost first."""
        return "".join(self._pc(it).to_bytes(_ADDRESS_BYTES, "little").hex() for it in self._views()[:_MOST_FRAMES])

    # -- variables --

    def local(self, frame: int, index: int) -> str:
        """Return a local of an active call."""
        return _value(_at(self._view(frame).locals(), index, "local"))

    def operand(self, frame: int, index: int) -> str:
        """Return an operand of an active call, counted from the bottom."""
        return _value(_at(self._view(frame).operands(), index, "operand"))

    def global_of_frame(self, frame: int, index: int) -> str:
        """Return a global of the module of an active call."""
        return _value(_at(self._view(frame).globals(), index, "global"))

    def global_of_module(self, number: int, index: int) -> str:
        """Return a global of a module that has an active call."""
        return _value(_at(self._view_in(number).globals(), index, "global"))

    # -- memory --

    def _view_in(self, number: int) -> FrameView:
        """Return the innermost call of a module; number 0 is the module of the innermost call."""
        if number == 0:
            return self._view(0)
        loaded = self.modules.at(number)
        found = next((it for it in self._views() if it.program is loaded.program), None)
        if found is None:
            raise PacketError(f"{loaded.owner} has no active call at this stop")
        return found

    def read(self, address: int, length: int) -> str:
        """Return bytes of a module or of its memory, fewer at the end."""
        at, length = Address.of(address), min(length, LONGEST_READ)
        if at.is_code:
            data = self.modules.at(at.module).binary[at.offset : at.offset + length]
            if not data:
                raise PacketError(f"0x{at.offset:x} is past the end of the module")
            return data.hex()
        return self._memory(self._view_in(at.module), at.offset, length)

    def read_of_frame(self, frame: int, address: int, length: int) -> str:
        """Return bytes of the memory of the module of an active call, fewer at the end."""
        return self._memory(self._view(frame), address, min(length, LONGEST_READ))

    def _memory(self, view: FrameView, address: int, length: int) -> str:
        self.session.select(view.level)
        return self.session.memory(str(address), length)[1].hex()

    def write(self, address: int, data: bytes) -> None:
        """Change bytes of a module's memory."""
        at = Address.of(address)
        if at.is_code:
            raise PacketError("code cannot be changed")
        self.session.select(self._view_in(at.module).level)
        self.session.write_memory(at.offset, data)

    def region(self, address: int) -> str:
        """Describe the range of addresses around an address: code, memory, or nothing."""
        at = Address.of(address)
        start = int(Address(at.is_code, at.module, 0))
        size, permissions = 0, "rx" if at.is_code else "rw"
        try:
            if at.is_code:
                size = len(self.modules.at(at.module).binary)
            else:
                memories = self._view_in(at.module).frame.module.memories
                size = memories[0].size if memories else 0
        except PacketError:
            pass  # then nothing is there
        if at.offset < size:
            return f"start:{start:x};size:{size:x};permissions:{permissions};"
        return f"start:{start + size:x};size:{(1 << 32) - size:x};"

    # -- breakpoints --

    def insert_breakpoint(self, address: int) -> None:
        """Stop before the instruction at an address, or before the first one of the function that begins there."""
        if address in self._breakpoints:
            return
        at = Address.of(address)
        if not at.is_code:
            raise PacketError("only code can have breakpoints")
        loaded = self.modules.at(at.module)
        added = self.session.add_breakpoint(f"*{at.offset:#x}", program=loaded.program)
        if not added.resolved:
            self._delete(added.number)
            raise PacketError(f"neither an instruction nor a function begins at 0x{at.offset:x}")
        self._breakpoints[address] = added.number

    def remove_breakpoint(self, address: int) -> None:
        """Remove the breakpoint at an address, if there is one."""
        self._delete(self._breakpoints.pop(address, None))

    def insert_watchpoint(self, address: int, length: int) -> None:
        """Stop after a change of bytes of a module's memory."""
        if (address, length) in self._watchpoints:
            return
        at = Address.of(address)
        if at.is_code:
            raise PacketError("code does not change")
        self.session.select(self._view_in(at.module).level)
        self._watchpoints[address, length] = self.session.watch_memory(at.offset, length).number

    def remove_watchpoint(self, address: int, length: int) -> None:
        """Remove the watchpoint on bytes, if there is one."""
        self._delete(self._watchpoints.pop((address, length), None))

    def _delete(self, number: int | None) -> None:
        if number is not None:
            self.session.delete_breakpoint(number)

    def forget_breakpoints(self) -> None:
        """Remove everything that a client has set."""
        for number in (*self._breakpoints.values(), *self._watchpoints.values()):
            self.session.delete_breakpoint(number)
        self._breakpoints.clear()
        self._watchpoints.clear()

    def has_unseen_breakpoint(self) -> bool:
        """Return whether the client has set a breakpoint here since the stop, and then take it as reached.

        A client removes its breakpoint for the step away from it, so one that is still there is new.
        """
        is_here = self._stop.reason is not Reason.TRAP and self._pc(self._view(0)) in self._breakpoints
        if is_here:
            self._stop = Stop(Reason.BREAKPOINT)
        return is_here


def _at(found: Sequence[Variable], index: int, what: str) -> Variable:
    if not 0 <= index < len(found):
        raise PacketError(f"there is no {what} {index} of {len(found)}")
    return found[index]


def _value(variable: Variable) -> str:
    """Return a number's bytes, little-endian."""
    type_, value = variable.type, variable.value
    size = next((size for known, size in _SIZES.items() if known is type_), None)
    if size is None or not isinstance(value, int | float):
        raise PacketError(f"a value of type {type_} has no bytes")
    if isinstance(value, float):
        value = f32_to_bits(value) if type_ is F32 else f64_to_bits(value)
    return value.to_bytes(size, "little").hex()


def _hex_text(text: str) -> str:
    return text.encode().hex()
