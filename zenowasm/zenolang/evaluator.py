"""Runs a program: evaluates values, calls slots, and enforces the limits."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath

import attrs

from zenowasm.zenolang import values
from zenowasm.zenolang.errors import (
    ControlFlowError,
    IncludeError,
    NestingError,
    OperationError,
    Position,
    SizeLimitError,
    SourceLimitError,
    UnknownSlotError,
    ZenoError,
)
from zenowasm.zenolang.expressions import parse_condition, parse_loop_header
from zenowasm.zenolang.limits import Budget, ScriptLimits
from zenowasm.zenolang.parser import parse
from zenowasm.zenolang.scope import Scope
from zenowasm.zenolang.slots import STRUCTURAL, Slot, SlotCall, SlotRegistry
from zenowasm.zenolang.syntax import (
    Chain,
    Expression,
    ListLiteral,
    Literal,
    LoopHeader,
    MapLiteral,
    Path,
    Program,
    Statement,
    Text,
    Unary,
)

# The number of values in a list or map that cost one step when it is checked.
_VALUES_PER_STEP = 16
_CHARACTERS_PER_STEP = 64
# The number of characters of a new text that cost one step. Otherwise a loop that appends to a text would copy far
# more than it is charged for.
_COPIED_PER_STEP = 1024


class ControlFlow(Exception):  # noqa: N818 - it leaves a block, but is not an error
    """The base of `break`, `continue` and `return`. It is not a ZenoError, so `try` does not catch it."""

    def __init__(self, position: Position) -> None:
        super().__init__(f"{position}: left a block")
        self.position = position


class BreakLoop(ControlFlow):
    """Raised by `break`."""


class ContinueLoop(ControlFlow):
    """Raised by `continue`."""


class ReturnValue(ControlFlow):
    """Raised by `return`, with its value."""

    def __init__(self, position: Position, value: object) -> None:
        super().__init__(position)
        self.value = value


@attrs.frozen(kw_only=True)
class Function:
    """A function that `fn` defined; `parameters` is None if it declared none."""

    name: str
    parameters: tuple[str, ...] | None
    body: tuple[Statement, ...]


class Evaluator:
    """An evaluator of programs with one set of slots.

    Parameters: the slots; `output`, called with each printed line without its line end; `environment`, the variables
    that `system.env` can read; `base_directory`, the folder from which `include` reads, None to forbid it; the limits;
    and the clock and sleep functions, in seconds. An evaluator must be used by only one thread.
    """

    def __init__(
        self,
        registry: SlotRegistry,
        *,
        output: Callable[[str], None] = print,
        environment: Mapping[str, str] | None = None,
        base_directory: FilePath | None = None,
        limits: ScriptLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.registry = registry
        self.environment = dict(environment or {})
        self.limits = limits or ScriptLimits()
        self.functions: dict[str, Function] = {}
        self._output = output
        self._base_directory = base_directory
        self._clock = clock
        self._sleep = sleep
        self._budget = Budget(self.limits, clock)
        self._depth = 0
        self._position = Position("<script>", 1, 1)
        self._including: list[FilePath] = []
        # Strings in scripts that are code, each parsed once, so the caches cannot outgrow the scripts.
        self._conditions: dict[Text, Expression] = {}
        self._headers: dict[Text, LoopHeader] = {}

    def run(self, program: Program, scope: Scope) -> object:
        """Run a program. Functions that it defines remain defined for the next program.

        Returns the value of a `return` outside functions, otherwise None. Raises ZenoError with a position.
        """
        self._budget = Budget(self.limits, self._clock)
        self._depth = 0
        self._including.clear()
        try:
            return self._run_file(program, scope)
        except RecursionError:
            # The depth is limited anyway; this is for a host with little stack left, or deeply nested plugin data.
            raise NestingError("not enough stack is left to run the script", self._position) from None

    def run_block(self, statements: tuple[Statement, ...], scope: Scope) -> None:
        """Run statements in order; a ControlFlow exception ends the block early."""
        if self._depth >= self.limits.run_nesting:
            raise NestingError(
                f"blocks and calls are nested more than {self.limits.run_nesting} deep",
                self._position,
                hint="does a function call itself for ever?",
            )
        self._depth += 1
        try:
            for statement in statements:
                self._run_statement(statement, scope)
        finally:
            self._depth -= 1

    def data(self, statement: Statement, scope: Scope, declared: str = "any") -> object:
        """Return a child's value: that of its expression, or a map of its block's entries.

        Parameters: the child, the scope, and the type that its slot declares for it.
        """
        self._budget.spend_steps()
        if statement.has_block:
            entries = {child.name: self.data(child, scope) for child in statement.children}
            if statement.value is not None:
                entries = {"value": self.evaluate(statement.value, scope), **entries}
            return self.checked(entries)
        if statement.value is None:
            return None
        if declared == "string" and statement.raw is not None:
            return statement.raw
        value = self.evaluate(statement.value, scope)
        if declared == "string" and isinstance(value, bool | int | float):
            return values.text(value)
        return value

    def evaluate(self, expression: Expression, scope: Scope) -> object:
        """Return the expression's value; raises OperationError, with a position, if an operator does not fit."""
        self._budget.spend_steps()
        match expression:
            case Literal():
                return expression.value
            case Path():
                return self._follow(expression, scope)
            case Text():
                return self._fill_in(expression, scope)
            case ListLiteral():
                return self.checked([self.evaluate(item, scope) for item in expression.items])
            case MapLiteral():
                return self.checked({key: self.evaluate(item, scope) for key, item in expression.entries})
            case Unary() | Chain():
                try:
                    return self._operate(expression, scope)
                except ZenoError as error:
                    error.locate(expression.position)
                    raise

    def condition(self, statement: Statement, scope: Scope) -> bool:
        """Return whether the statement's value is true; a quoted value is code: `if: "$a == 1"`.

        Only a string literal in the script is code, never a variable's value.
        """
        expression = statement.value
        if expression is None:
            raise OperationError(f"`{statement.name}` needs a condition")
        if isinstance(expression, Text):
            if expression not in self._conditions:
                self._conditions[expression] = parse_condition(expression, self.limits)
            expression = self._conditions[expression]
        return values.truthy(self.evaluate(expression, scope))

    def checked(self, value: object) -> object:
        """Return the value unchanged; raises LimitError if it exceeds a limit."""
        steps = values.measure(value, self.limits) // _VALUES_PER_STEP
        if isinstance(value, str):
            steps += len(value) // _COPIED_PER_STEP
        self._budget.spend_steps(steps)
        return value

    def write(self, line: str) -> None:
        """Print a line."""
        self._budget.spend_output(len(line) + 1)
        self._output(line)

    def sleep(self, seconds: float) -> None:
        """Wait, if the limit permits."""
        self._budget.spend_sleep(seconds)
        self._sleep(seconds)

    def spend_step(self) -> None:
        """Count a step without a statement, such as a loop iteration."""
        self._budget.spend_steps()

    def loop_header(self, quoted: Text) -> LoopHeader:
        """Return the three parts of a `for` header that is written as a string."""
        if quoted not in self._headers:
            self._headers[quoted] = parse_loop_header(quoted, self.limits)
        return self._headers[quoted]

    def include(self, name: str, scope: Scope) -> object:
        """Run another file in the same scope and return its `return` value; raises IncludeError if it cannot."""
        path = self._included_file(name)
        if path in self._including:
            raise IncludeError(f"`{name}` is already being included", hint="files include each other in a circle")
        try:
            with path.open("rb") as file:
                content = file.read(4 * self.limits.source_length + 1)
            if len(content) > 4 * self.limits.source_length:
                raise SourceLimitError(f"`{name}` is longer than {self.limits.source_length} characters")
            source = content.decode("utf-8")
        except OSError as error:
            raise IncludeError(f"cannot read `{name}`: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise IncludeError(f"`{name}` is not UTF-8 text") from error
        self._budget.spend_steps(len(source) // _CHARACTERS_PER_STEP)
        self._including.append(path)
        try:
            return self._run_file(parse(source, name, limits=self.limits), scope)
        finally:
            self._including.pop()

    def _included_file(self, name: str) -> FilePath:
        if self._base_directory is None:
            raise IncludeError("`include` is not allowed here")
        root = self._base_directory.resolve()
        try:
            path = (root / name).resolve()
            # Resolved first, so that neither `..` nor a link can lead out of the folder.
            allowed = path.is_relative_to(root) and path.is_file()
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a loop of links
            raise IncludeError(f"cannot read `{name}`: {error}") from error
        if not allowed:
            raise IncludeError(f"there is no file `{name}` in the scripts' folder")
        return path

    def _run_file(self, program: Program, scope: Scope) -> object:
        try:
            self.run_block(program.statements, scope)
        except ReturnValue as returned:
            return returned.value
        except (BreakLoop, ContinueLoop) as misplaced:
            raise outside_of_loop(misplaced) from None
        return None

    def _run_statement(self, statement: Statement, scope: Scope) -> None:
        self._position = statement.position
        try:
            self._budget.spend_steps()
            if statement.name.startswith("$"):
                scope.set(statement.name[1:], self.data(statement, scope))
                return
            slot = self.registry.get(statement.name)
            if slot is None:
                raise self._unknown(statement.name)
            slot.function(self._prepare(slot, statement, scope))
        except ZenoError as error:
            error.locate(statement.position)
            raise

    def _prepare(self, slot: Slot, statement: Statement, scope: Scope) -> SlotCall:
        as_child, async_child = statement.child("as"), statement.child("async")
        call = SlotCall(
            name=slot.name,
            value=None,
            has_value=statement.value is not None,
            parameters={},
            as_name=None if as_child is None else variable_name(as_child.value, "as"),
            is_async=async_child is not None and not slot.raw and values.truthy(self.data(async_child, scope)),
            scope=scope,
            position=statement.position,
            node=statement,
            evaluator=self,
        )
        if not slot.raw:
            own = attrs.evolve(statement, children=(), has_block=False)
            call.value = self.data(own, scope, slot.inputs.get("value", "any"))
            call.parameters = {
                child.name: self.data(child, scope, slot.inputs.get(child.name, "any"))
                for child in statement.children
                if child.name not in ("as", "async")
            }
        return call

    def _unknown(self, name: str) -> UnknownSlotError:
        if name in STRUCTURAL:
            return UnknownSlotError(f"`{name}` stands alone", hint="it belongs inside a slot such as `if` or `try`")
        nearest = self.registry.nearest(name)
        hint = f"did you mean `{nearest}`?" if nearest else "no plugin or built-in has it"
        return UnknownSlotError(f"unknown slot `{name}`", hint=hint)

    def _follow(self, path: Path, scope: Scope) -> object:
        value = scope.get(path.name)
        for key in path.keys:
            value = values.look_up(value, key if isinstance(key, str) else self._follow(key, scope))
        return value

    def _fill_in(self, quoted: Text, scope: Scope) -> str:
        pieces: list[str] = []
        length = 0
        for part in quoted.parts:
            piece = part if isinstance(part, str) else values.text(self.evaluate(part, scope))
            length += len(piece)
            if length > self.limits.value_size:
                raise SizeLimitError(f"a text is longer than {self.limits.value_size} characters", quoted.position)
            pieces.append(piece)
        self._budget.spend_steps(length // _COPIED_PER_STEP)
        return "".join(pieces)

    def _operate(self, expression: Unary | Chain, scope: Scope) -> object:
        if isinstance(expression, Unary):
            operand = self.evaluate(expression.operand, scope)
            return not values.truthy(operand) if expression.operator == "!" else values.negate(operand)
        value = self.evaluate(expression.first, scope)
        for operator, operand in expression.rest:
            match operator:
                case "??":
                    value = self.evaluate(operand, scope) if values.missing(value) else value
                case "&&":
                    value = values.truthy(value) and values.truthy(self.evaluate(operand, scope))
                case "||":
                    value = values.truthy(value) or values.truthy(self.evaluate(operand, scope))
                case "==" | "!=":
                    value = values.equal(value, self.evaluate(operand, scope)) is (operator == "==")
                case "<" | "<=" | ">" | ">=":
                    value = values.ordered(operator, value, self.evaluate(operand, scope))
                case _:
                    value = self.checked(values.calculate(operator, value, self.evaluate(operand, scope)))
        return value


def variable_name(expression: Expression | None, slot: str) -> str:
    """Return the name in `as: $x`, `as: x` or `as: "x"`; raises OperationError for anything else."""
    match expression:
        case Path(keys=()):
            return expression.name
        case Literal(value=str(name)) | Text(source=str(name)) if name:
            return name.removeprefix("$")
    raise OperationError(f"`{slot}` needs the name of a variable", hint="such as $result")


def outside_of_loop(misplaced: ControlFlow) -> ControlFlowError:
    """Return the error for a `break` or `continue` outside a loop."""
    word = "break" if isinstance(misplaced, BreakLoop) else "continue"
    return ControlFlowError(f"`{word}` outside a loop", misplaced.position)
