"""Armed code: a copy of a function's code that pauses an observed execution at chosen instructions.

Everything that is not armed runs as fast as without an observer: an armed entry is another handler in the same list.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

from attrs import define

from zenowasm.interp.events import Paused
from zenowasm.interp.execution.code import Code
from zenowasm.interp.execution.fusion import Pair, fuse

if TYPE_CHECKING:
    from zenowasm.interp.execution.configuration import Frame
    from zenowasm.interp.syntax.module import Instruction

Check: TypeAlias = "Callable[[Frame], None]"
"""Called with the frame after an instruction; raises ``Paused`` to pause before the next one."""

Hook: TypeAlias = "Callable[[Frame], None]"
"""Called with the frame before an instruction, without a pause; the frame's ``pc`` is already after it."""

_NO_HOOKS: Final[Mapping[int, Hook]] = {}


def _pause(frame: Frame, _: object) -> NoReturn:
    frame.pc -= 1
    raise Paused


_PAUSE: Final = (_pause, None)


class _Everywhere(Sequence[Pair]):
    """Code of any length that pauses at once."""

    def __len__(self) -> int:
        return 0

    def __getitem__(self, pc: Any) -> Any:
        return _PAUSE


EVERYWHERE: Final = _Everywhere()
"""The fused code of a frame that pauses as soon as it is the innermost one."""


@define(eq=False)
class ArmedCode(Code):
    """Code that pauses. A new frame runs ``fused``, which may pause at the function's entry; ``within`` is the same
    code without that pause, for frames that have begun.
    """

    original: Code
    within: Sequence[Pair]
    apart: Collection[int]
    """The instructions that must stay single."""
    stops: Collection[int]
    """The instructions before which it pauses."""

    def at(self, pc: int) -> Instruction:
        """Return the instruction at ``pc`` with its own immediate, whatever is armed there."""
        return self.original.at(pc)


def arm(
    code: Code,
    stops: Collection[int],
    checks: Mapping[int, Check],
    hooks: Mapping[int, Hook] = _NO_HOOKS,
    *,
    at_entry: bool = False,
    entry_hook: Hook | None = None,
) -> ArmedCode:
    """Return a copy of a function's code that pauses before the instructions ``stops`` and checks after others.

    It calls a hook before each instruction of ``hooks``. ``at_entry`` pauses each new frame before its first
    instruction, which a later branch to it does not; ``entry_hook`` is called there.
    """
    plain = list(code.instructions)
    for pc, check in checks.items():
        plain[pc] = (_checked, (*plain[pc], check))
    for pc, hook in hooks.items():
        plain[pc] = (_hooked, (*plain[pc], hook))
    apart = {*stops, *checks, *hooks}
    within = _hooked_fused(code, checks, hooks, stops)
    fused: Sequence[Pair] = within
    if at_entry:
        fused = _fused(code, plain, {0, *apart}, {0, *stops})
    elif entry_hook is not None:
        apart.add(0)
        plain[0] = (_entered, (*plain[0], entry_hook))  # an outermost call begins with a single step
        fused = [(_entered, (*within[0], entry_hook)), *within[1:]]
    rest = (code.fuel_before, code.locals, code.size, code.regions, code.source)
    return ArmedCode(code.kinds, plain, fused, *rest, code, within, apart, stops)


def also_pausing(code: Code, places: Collection[int]) -> Sequence[Pair]:
    """Return the fused code of a frame that has begun, which also pauses before the instructions ``places``."""
    apart, stops = (code.apart, code.stops) if isinstance(code, ArmedCode) else ((), ())
    return _fused(code, code.instructions, {*apart, *places}, {*stops, *places})


def _hooked_fused(
    code: Code, checks: Mapping[int, Check], hooks: Mapping[int, Hook], stops: Collection[int]
) -> list[Pair]:
    """Return fused code with hooks, which may be before a whole run of fused instructions."""
    plain = list(code.instructions)
    for pc, check in checks.items():
        plain[pc] = (_checked, (*plain[pc], check))
    fused = fuse(code.kinds, plain, {*stops, *checks}, sorted(hooks))
    for pc, hook in hooks.items():
        fused[pc] = (_hooked, (*fused[pc], hook))
    for pc in stops:
        fused[pc] = _PAUSE
    return fused


def _fused(code: Code, plain: Sequence[Pair], apart: Collection[int], stops: Collection[int]) -> Sequence[Pair]:
    fused = fuse(code.kinds, plain, apart)
    for pc in stops:
        fused[pc] = _PAUSE
    return fused


def _checked(frame: Frame, immediate: tuple[Callable[[Frame, Any], None], Any, Check]) -> None:
    handler, own, check = immediate
    handler(frame, own)
    check(frame)


def _hooked(frame: Frame, immediate: tuple[Callable[[Frame, Any], None], Any, Hook]) -> None:
    handler, own, hook = immediate
    hook(frame)
    handler(frame, own)


def _entered(frame: Frame, immediate: tuple[Callable[[Frame, Any], None], Any, Hook]) -> None:
    """Call the hook of a function's entry, unless the frame has begun and branches to its first instruction."""
    handler, own, hook = immediate
    code = frame.code
    if isinstance(code, ArmedCode) and frame.fused is code.fused:
        frame.fused = code.within
        hook(frame)
    handler(frame, own)
