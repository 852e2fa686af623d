"""Calls that pause before each instruction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, cast

from attrs import field, frozen

from zenowasm.backends.protocol import Budget, CallBudget, Capability, SteppingStore
from zenowasm.debugger.inspection import FrameView, Variable
from zenowasm.debugger.program import Program
from zenowasm.debugger.stepping import Action, Plan
from zenowasm.embedding.tags import guest_exception
from zenowasm.embedding.values import arguments_to_guest, readers
from zenowasm.interp.errors import UncaughtException
from zenowasm.interp.execution import Frame
from zenowasm.interp.validation import ValidModule
from zenowasm.interp.validation.function import Bottom
from zenowasm.notebook import html_table

if TYPE_CHECKING:
    from zenowasm.embedding.functions import Function

_LISTED = 3
"""The number of instructions shown before and after the next one."""


class SteppingError(RuntimeError):
    """Raised when stepping through a call on an engine that cannot stop between two instructions."""

    def __init__(self, engine: str) -> None:
        super().__init__(f'{engine} cannot stop between two instructions: make the store with engine="reference"')


@frozen(repr=False)
class Step:
    """The state of a guest before an instruction.

    ``number`` counts the instructions executed before, ``depth`` the active calls. ``pc`` is the instruction's index in
    its function, ``offset`` its byte offset in the module. ``locals`` are by name, or by index if they have none.
    ``stack`` is the operand stack of the innermost function, bottom first.
    """

    number: int
    depth: int
    function: str
    pc: int
    offset: int
    instruction: str
    locals: Mapping[str, Any]
    stack: tuple[Any, ...]
    _listing: tuple[tuple[int, str], ...] = field(eq=False, alias="listing")

    def __repr__(self) -> str:
        stack = ", ".join(map(repr, self.stack))
        return f"<Step {self.number}: {self.function}+{self.pc}  {self.instruction}  [{stack}]>"

    def _repr_html_(self) -> str:
        values = ", ".join(f"{name} = {value!r}" for name, value in self.locals.items())
        lines = [("\N{RIGHTWARDS ARROW}" if pc == self.pc else "", str(pc), text) for pc, text in self._listing]
        return html_table(
            f"step {self.number} in {self.function}", [*lines, ("", "locals", values), ("", "stack", repr(self.stack))]
        )


class Steps(Iterator[Step]):
    """A call of a guest function, one instruction at a time: an iterator over the next instructions.

    ``over``, ``out`` and ``until`` execute more than one instruction. Between steps, you can read and write memories,
    tables and globals, and make other calls in the store. A host function is one step, including all its calls. All
    steps share the store's fuel for one call; each time the call continues, it may take the store's ``timeout``.

    The iteration ends when the call has returned. An exception of the call ends it, too.

    >>> from zenowasm import Instance, Store
    >>> text = '(module (func (export "double") (param $x i32) (result i32) (i32.add (local.get $x) (local.get $x))))'
    >>> double = Instance(text, store=Store("reference")).exports.double
    >>> steps = double.steps(21)
    >>> for step in steps:
    ...     print(step)
    <Step 0: double+0  local.get $x  []>
    <Step 1: double+1  local.get $x  [21]>
    <Step 2: double+2  i32.add  [21, 21]>
    <Step 3: double+3  end  [42]>
    >>> steps.result
    42
    """

    def __init__(self, function: Function, arguments: Sequence[Any]) -> None:
        self._function = function
        self._store = store = function.store
        if Capability.STEPPING not in store.engine.capabilities:
            raise SteppingError(store.engine.name)
        self._fuel_left = store.budget.fuel
        self._programs: dict[ValidModule, Program] = {}
        self._taken = 0
        self.current: Step | None = None
        """The current step of the call, ``None`` when the call is over."""
        given = tuple(arguments_to_guest(store, function.__name__, function.type, arguments))
        with self._running() as raw:
            self._paused = raw.pause(function.raw, given)
        self._look()
        self._is_new = True

    @property
    def result(self) -> Any:
        """The result of the call; raises ``ValueError`` before it has returned."""
        if not self._paused.configuration.finished:
            raise ValueError(f"{self._function.__name__}() has not returned")
        return self._function.returned(self._paused.configuration.results)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Step:
        step = self.current if self._is_new else self._go(Plan(Action.STEP).due)
        self._is_new = False
        if step is None:
            raise StopIteration
        return step

    def over(self) -> Step | None:
        """Execute one instruction, including the whole function that it calls; return the next step."""
        return self._go(Plan(Action.NEXT, frame=self._frame).due)

    def out(self) -> Step | None:
        """Continue until the innermost function has returned; return the next step."""
        return self._go(Plan(Action.FINISH, frame=self._frame).due)

    def until(self, place: str | Callable[[Step], bool]) -> Step | None:
        """Continue to the start of a function of that name, or until a condition holds; return that step."""
        if self.current is None:
            return None
        if isinstance(place, str):
            return self._go(self._entry_of(place))
        while (step := self._go(Plan(Action.STEP).due)) is not None and not place(step):
            pass
        return step

    def _entry_of(self, name: str) -> Callable[[Frame], bool]:
        """Return a predicate for a frame that has just entered a function with that name."""
        known = self._program(self._outermost)
        if not known.find(name):
            near = known.nearest(name)
            raise ValueError(f"no function is called {name}{f': did you mean {near}?' if near else ''}")
        latest = self._frame

        def is_due(frame: Frame) -> bool:
            nonlocal latest
            entered = frame is not latest and frame.pc == 0
            latest = frame
            return entered and frame.function.index in self._program(frame).find(name)

        return is_due

    @property
    def _frame(self) -> Frame | None:
        return self._paused.configuration.frame

    @property
    def _outermost(self) -> Frame:
        *_, frame = self._paused.configuration.frames()
        return frame

    def _go(self, due: Callable[[Frame], bool]) -> Step | None:
        self._is_new = False
        if self.current is None:
            return None

        def is_due(frame: Frame) -> bool:
            self._taken += 1
            return due(frame)

        with self._running():
            self._paused.run_until(is_due)
        self._look()
        return self.current

    @contextmanager
    def _running(self) -> Iterator[SteppingStore]:
        """Acquire the store while the call runs, with the rest of its fuel."""
        store = self._store
        with store.entered() as entered:
            raw = cast(SteppingStore, entered)
            before = self._consumed(raw)
            raw.begin(CallBudget.begin(Budget(self._fuel_left, store.budget.seconds)))
            self.current = None
            try:
                yield raw
            except UncaughtException as error:
                raise guest_exception(store, error) from None
            finally:
                raw.end()
                if self._fuel_left is not None:
                    self._fuel_left -= self._consumed(raw) - before

    @staticmethod
    def _consumed(raw: SteppingStore) -> int:
        return raw.fuel_consumed or 0

    def _program(self, frame: Frame) -> Program:
        valid = frame.module.valid
        found = self._programs.get(valid)
        if found is None:
            found = self._programs[valid] = Program(valid)
        return found

    def _values(self, variables: Sequence[Variable]) -> list[Any]:
        types = [it.type for it in variables if not isinstance(it.type, Bottom)]  # no value has the bottom type
        read = readers(self._store, types, unsigned=False)
        return [one(it.value) for one, it in zip(read, variables, strict=True)]

    def _look(self) -> None:
        """Record the current state of the call."""
        frame = self._frame
        if frame is None:
            return
        program, pc = self._program(frame), frame.pc
        view = FrameView(0, "", program, frame, pc)
        variables = view.locals()
        lines = program.function(frame.function.index).lines[max(pc - _LISTED, 0) : pc + _LISTED + 1]
        self.current = Step(
            number=self._taken,
            depth=sum(1 for _ in self._paused.configuration.frames()),
            function=view.function,
            pc=pc,
            offset=view.line.offset,
            instruction=view.line.text,
            locals={it.name or str(it.index): one for it, one in zip(variables, self._values(variables), strict=True)},
            stack=tuple(self._values(view.operands())),
            listing=tuple((line.pc, line.indented) for line in lines),
        )
