"""Parses instruction sequences, flat and folded (specification, 6.5), without recursion."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from zenowasm.interp.binary.hints import HINT_SECTION
from zenowasm.interp.errors import LimitError, ParseError
from zenowasm.interp.instructions import TABLE, Structure
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.syntax.module import Expression, Instruction
from zenowasm.interp.text.cursor import Space
from zenowasm.interp.text.lexer import Source, string_bytes
from zenowasm.interp.text.parser_immediates import ROWS, ImmediateParser, Pending, Row

_END = Instruction(next(row for row in TABLE.rows if row.structure is Structure.END), ())
_ELSE = Instruction(next(row for row in TABLE.rows if row.structure is Structure.ELSE), ())
_HINTS = {b"\x00": 0, b"\x01": 1}


class _Open(Enum):
    """The kind of a construct that is still open."""

    BODY = auto()
    FLAT_BLOCK = auto()  # up to `end`
    FLAT_IF = auto()  # up to `else` or `end`
    FOLDED = auto()  # operands, up to the parenthesis; the instruction follows its operands
    BLOCK = auto()  # up to the parenthesis
    CONDITION = auto()  # operands of `if`, up to `(then`
    THEN = auto()  # up to the parenthesis
    AFTER_THEN = auto()  # `(else` or the parenthesis of `if`
    ELSE = auto()  # up to the parenthesis
    AFTER_ELSE = auto()  # the parenthesis of `if`


_TAKES_INSTRUCTIONS = frozenset({_Open.BODY, _Open.FLAT_BLOCK, _Open.FLAT_IF, _Open.BLOCK, _Open.THEN, _Open.ELSE})
_TAKES_OPERANDS = _TAKES_INSTRUCTIONS | {_Open.FOLDED, _Open.CONDITION}


class _Label(NamedTuple):
    """The identifier of a label, in ``lexer.identifier``'s spelling, and its name."""

    id: str | None = None
    name: str | None = None


_UNNAMED = _Label()


class _Level(NamedTuple):
    """One entry of the stack of open constructs."""

    kind: _Open
    label: _Label = _UNNAMED
    pending: Pending | None = None
    hint: int | None = None


class InstructionParser(ImmediateParser):
    """A parser of instructions within the index spaces of a module and of one function."""

    def __init__(self, source: Source, pos: int, limits: ModuleLimits) -> None:
        """Begin at a token, with empty index spaces."""
        super().__init__(source, pos, limits)
        self.label_names: dict[int, str] = {}
        self.hints: dict[int, int] | None = None
        self._blocks = 0

    def enter(self, locals_: Space, hints: dict[int, int] | None = None) -> None:
        """Begin a function or a constant expression; only a function has branch hints, by instruction index."""
        self.locals = locals_
        self.hints = hints
        self.label_names = {}
        self.label_depths = {}
        self.depth = self._blocks = 0

    # -- sequences (6.5.11) --

    def new_sequence(self) -> list[Instruction]:
        """Return an empty list for a sequence of instructions, which the parser appends as it reads them."""
        return []

    def expression(self) -> Expression:
        """Read instructions up to a closing parenthesis, which is not read (6.5.12)."""
        return Expression([*self._sequence(single=False), _END], ())

    def folded(self) -> Expression:
        """Read one folded instruction as an expression."""
        if self.tokens[self.pos] != "(":
            self.fail("an instruction in parentheses")
        return Expression([*self._sequence(single=True), _END], ())

    def _sequence(self, *, single: bool) -> list[Instruction]:
        out = self.new_sequence()
        stack = [_Level(_Open.BODY)]
        tokens = self.tokens
        while True:
            level = stack[-1]
            token = tokens[self.pos]
            if token == "(":
                self._open(level, stack, out)
            elif token == ")":
                if len(stack) == 1:
                    return out
                self.pos += 1
                self._close(stack, out)
            elif level.kind in _TAKES_INSTRUCTIONS and (row := ROWS.get(token)) is not None:
                if row.structure is None:
                    if self.hints is not None:
                        self._keep(self._hint(), out)
                    self.pos += 1
                    pending = row.read(self)
                    out.append(pending if isinstance(pending, Instruction) else pending())
                else:
                    self._flat_structure(row, stack, out)
            else:
                raise self._unknown(level)
            if single and len(stack) == 1:
                return out

    def _unknown(self, level: _Level) -> ParseError:
        expected = {
            _Open.FOLDED: "')' or an operand in parentheses",
            _Open.CONDITION: "'(then'",
            _Open.AFTER_THEN: "'(else' or ')'",
            _Open.AFTER_ELSE: "')'",
        }.get(level.kind, "an instruction")
        return self.unexpected(expected)

    def _open(self, level: _Level, stack: list[_Level], out: list[Instruction]) -> None:
        """Read a parenthesis and the construct that it opens."""
        keyword = self.tokens[self.pos + 1]
        row = ROWS.get(keyword)
        if row is not None and row.structure not in (Structure.ELSE, Structure.END):
            if level.kind not in _TAKES_OPERANDS:
                raise self._unknown(level)
            hint = self._hint()
            self.pos += 2
            if row.structure is None:
                stack.append(_Level(_Open.FOLDED, _UNNAMED, row.read(self), hint))
            elif row.structure is Structure.BLOCK:
                label = self._label()
                self._emit(row.read(self), out, hint)
                self._open_label(label)
                stack.append(_Level(_Open.BLOCK, label))
            else:
                label = self._label()
                stack.append(_Level(_Open.CONDITION, label, row.read(self), hint))
        elif level.kind is _Open.CONDITION and keyword == "then":
            self.pos += 2
            assert level.pending is not None
            self._emit(level.pending, out, level.hint)
            self._open_label(level.label)
            stack[-1] = _Level(_Open.THEN, level.label)
        elif level.kind is _Open.AFTER_THEN and row is not None and row.structure is Structure.ELSE:
            self.pos += 2
            out.append(_ELSE)
            stack[-1] = _Level(_Open.ELSE, level.label)
        else:
            self.pos += 1
            raise self._unknown(level)
        if len(stack) > self.limits.nesting:
            raise LimitError(f"more than {self.limits.nesting} instructions inside one another")

    def _close(self, stack: list[_Level], out: list[Instruction]) -> None:
        """Process a closing parenthesis that was just read."""
        level = stack[-1]
        match level.kind:
            case _Open.FOLDED:
                assert level.pending is not None
                self._emit(level.pending, out, level.hint)
                stack.pop()
            case _Open.THEN:
                stack[-1] = _Level(_Open.AFTER_THEN, level.label)
            case _Open.ELSE:
                stack[-1] = _Level(_Open.AFTER_ELSE, level.label)
            case _Open.BLOCK | _Open.AFTER_THEN | _Open.AFTER_ELSE:
                out.append(_END)
                self._close_label(level.label)
                stack.pop()
            case _:
                self.pos -= 1
                raise self._unknown(level) if level.kind is _Open.CONDITION else self.unexpected("'end'")

    def _flat_structure(self, row: Row, stack: list[_Level], out: list[Instruction]) -> None:
        """Read an instruction that opens, divides or closes a block without parentheses."""
        level = stack[-1]
        start = self.pos
        self.pos += 1
        if row.structure is Structure.ELSE:
            if level.kind is not _Open.FLAT_IF:
                raise self.unexpected("an instruction", start)
            self._same_label(level.label)
            out.append(_ELSE)
            stack[-1] = _Level(_Open.FLAT_BLOCK, level.label)
        elif row.structure is Structure.END:
            if level.kind not in (_Open.FLAT_BLOCK, _Open.FLAT_IF):
                raise self.unexpected("an instruction", start)
            self._same_label(level.label)
            out.append(_END)
            self._close_label(level.label)
            stack.pop()
        else:
            hint = self._hint(start)
            label = self._label()
            self._emit(row.read(self), out, hint)
            self._open_label(label)
            kind = _Open.FLAT_IF if row.structure is Structure.IF else _Open.FLAT_BLOCK
            stack.append(_Level(kind, label))
            if len(stack) > self.limits.nesting:
                raise LimitError(f"more than {self.limits.nesting} instructions inside one another")

    def _emit(self, pending: Pending, out: list[Instruction], hint: int | None) -> None:
        self._keep(hint, out)
        out.append(pending if isinstance(pending, Instruction) else pending())

    # -- branch hints (the branch hinting proposal) --

    def _hint(self, pos: int | None = None) -> int | None:
        """Return the hint before an instruction, which by default begins at the next token."""
        found: int | None = None
        if self.hints is None:
            return found
        for annotation in self.annotations(HINT_SECTION, pos):
            if found is not None:
                raise self.source.annotation_error(f"@{HINT_SECTION} annotation: duplicate annotation", annotation)
            strings = [string_bytes(token) for token in annotation.tokens]
            found = None if None in strings else _HINTS.get(b"".join(it for it in strings if it is not None))
            if found is None:
                message = f"@{HINT_SECTION} annotation: invalid value: one byte, 0 or 1, expected"
                raise self.source.annotation_error(message, annotation)
        return found

    def _keep(self, hint: int | None, out: list[Instruction]) -> None:
        """Record the hint of the next instruction."""
        if hint is not None and self.hints is not None:
            self.hints[len(out)] = hint

    # -- labels (6.5.1) --

    def _label(self) -> _Label:
        """Read the optional identifier and name of a label."""
        return _Label(*self.spelled_name())

    def _open_label(self, label: _Label) -> None:
        self.depth += 1
        if label.id is not None:
            self.label_depths.setdefault(label.id, []).append(self.depth)
        if label.name is not None:
            self.label_names[self._blocks] = label.name
        self._blocks += 1

    def _close_label(self, label: _Label) -> None:
        self.depth -= 1
        if label.id is not None:
            self.label_depths[label.id].pop()

    def _same_label(self, label: _Label) -> None:
        """Read the optional identifier after ``else`` or ``end``, which must be the block's."""
        found = self.identifier()
        if found is not None and found != label.id:
            raise self.error(f"mismatching label {self.tokens[self.pos - 1]}", self.pos - 1)
