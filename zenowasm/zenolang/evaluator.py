"""Runs a program: evaluates values, calls slots, and keeps to the limits."""

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

# How many values of a list or map cost one step when it is checked.
_VALUES_PER_STEP = 16
_CHARACTERS_PER_STEP = 64
# How many characters of a new text cost one: without it a loop that lengthens a text copies far more than it counts.
_COPIED_PER_STEP = 1024


class ControlFlow(Exception):  # noqa: N818 - it leaves a block, but nothing is wrong
    """`break`, `continue` or `return` on its way out; not a ZenoError, so `try` lets it pass."""

    def __init__(self, position: Position) -> None:
        super().__init__(f"{position}: left a block")
        self.position = position


class BreakLoop(ControlFlow):
    """`break`."""


class ContinueLoop(ControlFlow):
    """`continue`."""


class ReturnValue(ControlFlow):
    """`return`, with its value."""

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
    """Runs programs with one set of slots.

    Parameters: the slots; `output`, called with each printed line without its line end; `environment`, all
    that `system.env` can see; `base_directory`, the folder `include` reads from, None forbids it; the
    limits; and the clock and sleep to use, in seconds. One evaluator belongs to one thread.
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
        # Strings of the script that are code, parsed once: at most as many as the scripts hold.
        self._conditions: dict[Text, Expression] = {}
        self._headers: dict[Text, LoopHeader] = {}

    def run(self, program: Program, scope: Scope) -> object:
        """Run a program; functions it defines stay known to the next one.

        Returns the value of a `return` outside functions, otherwise None. Raises ZenoError, located.
        """
        self._budget = Budget(self.limits, self._clock)
        self._depth = 0
        self._including.clear()
        try:
            return self._run_file(program, scope)
        except RecursionError:
            # Depth is counted; this is for a host whose own stack is nearly used up, or deep plugin data.
            raise NestingError("not enough stack is left to run the script", self._position) from None

    def run_block(self, statements: tuple[Statement, ...], scope: Scope) -> None:
        """Run statements in order; ControlFlow leaves it early."""
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
        """A child's value: its expression's, or a map of its block's entries.

        Parameters: the child, the scope, and the type its slot declared for it.
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
        """The expression's value; OperationError, located, where an operator does not fit."""
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
        """Whether the statement's value holds; a quoted one is code: `if: "$a == 1"`.

        Only a string in the script itself is code, never one that a variable holds.
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
        """The value itself, unless it exceeds a limit."""
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
        """Wait, within the limit."""
        self._budget.spend_sleep(seconds)
        self._sleep(seconds)

    def spend_step(self) -> None:
        """Count a step that runs no statement, such as a loop's turn."""
        self._budget.spend_steps()

    def loop_header(self, quoted: Text) -> LoopHeader:
        """The three parts of a `for` written as a string."""
        if quoted not in self._headers:
            self._headers[quoted] = parse_loop_header(quoted, self.limits)
        return self._headers[quoted]

    def include(self, name: str, scope: Scope) -> object:
        """Run another file in the same scope and return its `return` value; IncludeError if it may not."""
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
            # Resolved first, so neither `..` nor a link leads out of the folder.
            allowed = path.is_relative_to(root) and path.is_file()
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links in a circle
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
    """The name in `as: $x`, `as: x` or `as: "x"`; OperationError for anything else."""
    match expression:
        case Path(keys=()):
            return expression.name
        case Literal(value=str(name)) | Text(source=str(name)) if name:
            return name.removeprefix("$")
    raise OperationError(f"`{slot}` needs the name of a variable", hint="such as $result")


def outside_of_loop(misplaced: ControlFlow) -> ControlFlowError:
    """The error for a `break` or `continue` that met no loop on its way out."""
    word = "break" if isinstance(misplaced, BreakLoop) else "continue"
    return ControlFlowError(f"`{word}` outside a loop", misplaced.position)
