"""Translation of a function from ppci's intermediate code to the text format.

A value becomes a local if it is used more than once or if its position among the effects matters; any other value is
computed where it is used. Variables whose address C takes are in a frame on a stack in memory, which grows downwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeAlias

from zenowasm.toolchains.c_in_python import values
from zenowasm.toolchains.c_in_python.control_flow import ControlFlow, IrreducibleError
from zenowasm.toolchains.errors import CompileError

STACK_POINTER = "$stack_pointer"
_FRAME = "$frame"
_ALIGNMENT = 8


class Symbols(Protocol):
    """The module as a function sees it; each request adds the requested object to the module."""

    def call(self, name: str) -> str:
        """Return the identifier of a function."""
        ...

    def function_pointer(self, name: str) -> int:
        """Return a function's index in the table."""
        ...

    def address(self, name: str) -> int:
        """Return the address of a variable."""
        ...

    def literal(self, data: bytes) -> int:
        """Return the address of a string literal."""
        ...


class Function:
    """The translation of one function. ``name`` is the C name, for errors."""

    def __init__(self, function: Any, symbols: Symbols) -> None:
        """Analyse a ``ppci.ir.SubRoutine``; raises ``CompileError`` if its loops cannot be nested."""
        from ppci import ir

        self._ir = ir
        self._function = function
        self._symbols = symbols
        self._blocks: list[Any] = list(function.blocks)
        try:
            self._flow: ControlFlow[Any] = ControlFlow(
                function.entry, {block: _targets(block) for block in self._blocks}
            )
        except IrreducibleError as error:
            raise CompileError(f"{function.name}: a goto enters a loop, which needs ziglang's compiler") from error
        self._locals: dict[Any, str] = {}
        self._declared: list[tuple[str, str]] = []
        self._places: dict[Any, int] = {}
        self._frame_size = 0
        for value in (*function.arguments, *(instruction for block in self._blocks for instruction in block)):
            if isinstance(value, ir.Alloc) or (isinstance(value, ir.Parameter) and value.ty.is_blob):
                self._places[value] = self._frame_size
                self._frame_size += -(-value.ty.size // _ALIGNMENT) * _ALIGNMENT
        self._inline = self._values_to_inline()

    def text(self) -> str:
        """Return the function in the text format."""
        parameters = []
        prologue = []
        for index, argument in enumerate(self._function.arguments):
            self._locals[argument] = f"$p{index}"
            parameters.append(f"(param $p{index} {values.wasm(argument.ty)})")
            if argument.ty.is_blob:  # the callee owns a structure passed by value, so copy it
                size = argument.ty.size
                prologue.append(f"(memory.copy {self._address(argument)} (local.get $p{index}) (i32.const {size}))")
        body = list(self._body())
        if self._frame_size:
            prologue.insert(
                0,
                f"(global.set {STACK_POINTER} (local.tee {_FRAME}"
                f" (i32.sub (global.get {STACK_POINTER}) (i32.const {self._frame_size}))))",
            )
            self._declared.append((_FRAME, "i32"))
        results = f"(result {values.wasm(self._function.return_ty)})" if self._returns() else ""
        head = [f"(func {self._symbols.call(self._function.name)}", *parameters, results]
        declared = [f"(local {name} {type_})" for name, type_ in self._declared]
        return "\n".join([" ".join(head), *declared, *prologue, *body, "unreachable)"])

    def _returns(self) -> bool:
        return isinstance(self._function, self._ir.Function)

    # -- blocks: a work list, so that long functions need no deep recursion --

    def _body(self) -> Iterator[str]:
        pending: list[_Item] = [self._function.entry]
        while pending:
            item = pending.pop()
            if isinstance(item, str):
                yield item
            else:
                pending += reversed(self._placed(item))

    def _placed(self, block: Any) -> list[_Item]:
        """Return a block, followed by the blocks placed inside it and after it."""
        following = self._flow.following(block)
        items: list[_Item] = []
        if block in self._flow.loops:
            items.append(f"(loop {self._label(block)}")
        items += [f"(block {self._label(later)}" for later in reversed(following)]
        items += self._statements(block)
        for later in following:
            items += [")", later]
        if block in self._flow.loops:
            items.append(")")
        return items

    def _label(self, block: Any) -> str:
        return f"$b{self._flow.order[block]}"

    def _statements(self, block: Any) -> list[_Item]:
        items: list[_Item] = []
        for instruction in block:
            items += self._statement(block, instruction)
        return items

    def _statement(self, block: Any, instruction: Any) -> list[_Item]:
        ir = self._ir
        match instruction:
            case ir.Jump():
                return self._branch(block, instruction.target)
            case ir.CJump():
                left, right = self._value(instruction.a), self._value(instruction.b)
                condition = values.comparison(instruction.a.ty, instruction.cond, left, right)
                yes, no = (self._branch(block, target) for target in (instruction.lab_yes, instruction.lab_no))
                return [f"(if {condition} (then", *yes, ") (else", *no, "))"]
            case ir.Return():
                return [*self._leave(), f"(return {self._value(instruction.result)})"]
            case ir.Exit():
                return [*self._leave(), "return"]
            case ir.Store() if instruction.value.ty.is_blob:
                return [self._copy(instruction.address, instruction.value, instruction.value.ty.size)]
            case ir.Store():
                address, value = self._value(instruction.address), self._value(instruction.value)
                return [values.store(instruction.value.ty, address, value)]
            case ir.CopyBlob():
                return [self._copy(instruction.dst, instruction.src, instruction.amount)]
            case ir.ProcedureCall():
                return [self._call(instruction, "")]
            case ir.FunctionCall():
                call = self._call(instruction, f"(result {values.wasm(instruction.ty)})")
                return [f"(local.set {self._local(instruction)} {call})" if instruction.is_used else f"(drop {call})"]
            case ir.Phi():
                return []  # set by the jumps to its block
            case ir.LocalValue() if instruction in self._inline or not instruction.is_used:
                return []
            case ir.LocalValue():
                return [f"(local.set {self._local(instruction)} {self._computed(instruction)})"]
        raise CompileError(f"{self._function.name}: {type(instruction).__name__} needs ziglang's compiler")

    def _leave(self) -> list[str]:
        if not self._frame_size:
            return []
        return [f"(global.set {STACK_POINTER} (i32.add (local.get {_FRAME}) (i32.const {self._frame_size})))"]

    def _branch(self, source: Any, target: Any) -> list[_Item]:
        """Return a jump: a branch, or the target itself if this is its only predecessor."""
        phis = [instruction for instruction in target if isinstance(instruction, self._ir.Phi) and instruction.is_used]
        # Read all values before setting any: one may be the input of another.
        items: list[_Item] = [self._value(phi.get_value(source)) for phi in phis]
        items += [f"local.set {self._local(phi)}" for phi in reversed(phis)]
        if self._flow.is_back(source, target) or target in self._flow.merges:
            items.append(f"br {self._label(target)}")
        else:
            items.append(target)
        return items

    def _copy(self, target: Any, source: Any, size: int) -> str:
        return f"(memory.copy {self._value(target)} {self._value(source)} (i32.const {size}))"

    def _call(self, instruction: Any, result: str) -> str:
        arguments = " ".join(map(self._value, instruction.arguments))
        if isinstance(instruction.callee, self._ir.GlobalValue):
            return f"(call {self._symbols.call(instruction.callee.name)} {arguments})"
        types = " ".join(values.wasm(argument.ty) for argument in instruction.arguments)
        return f"(call_indirect (param {types}) {result} {arguments} {self._value(instruction.callee)})"

    # -- values --

    def _values_to_inline(self) -> set[Any]:
        """Return the values that are computed where they are used.

        These are all constants and addresses, and other values with one use in the same block and no effect in between.
        """
        ir = self._ir
        inline: set[Any] = set()
        for block in self._blocks:
            # Where each value is finally computed, and the next effect after each position.
            instructions = list(block)
            computed = {instruction: index for index, instruction in enumerate(instructions)}
            effect = len(instructions)
            for index in range(len(instructions) - 1, -1, -1):
                instruction = instructions[index]
                if isinstance(instruction, ir.Store | ir.CopyBlob | ir.ProcedureCall | ir.FunctionCall):
                    effect = index
                elif isinstance(instruction, ir.Const | ir.AddressOf | ir.Alloc | ir.LiteralData | ir.Undefined):
                    inline.add(instruction)
                elif isinstance(instruction, ir.Binop | ir.Unop | ir.Cast | ir.Load) and len(instruction.used_by) == 1:
                    (user,) = instruction.used_by
                    place = -1 if isinstance(user, ir.Phi) else computed.get(user, -1)
                    used_twice = isinstance(user, ir.Binop | ir.CJump) and user.a is user.b
                    # A store is an effect that comes after its own operands.
                    if place >= 0 and not used_twice and (place <= effect or not isinstance(instruction, ir.Load)):
                        inline.add(instruction)
                        computed[instruction] = place
        return inline

    def _value(self, value: Any) -> str:
        ir = self._ir
        if isinstance(value, ir.GlobalValue):
            return f"(i32.const {self._global(value)})"
        if isinstance(value, ir.Parameter):
            return self._address(value) if value.ty.is_blob else f"(local.get {self._locals[value]})"
        if value in self._inline:
            return self._computed(value)
        return f"(local.get {self._local(value)})"

    def _global(self, value: Any) -> int:
        if isinstance(value, self._ir.SubRoutine | self._ir.ExternalSubRoutine):
            return self._symbols.function_pointer(value.name)
        return self._symbols.address(value.name)

    def _computed(self, value: Any) -> str:
        ir = self._ir
        match value:
            case ir.Const():
                return values.constant(value.ty, value.value)
            case ir.Undefined():
                return values.constant(value.ty, 0)
            case ir.LiteralData():
                return f"(i32.const {self._symbols.literal(value.data)})"
            case ir.AddressOf():
                return self._value(value.src)
            case ir.Alloc():
                return self._address(value)
            case ir.Binop():
                return values.binary(value.ty, value.operation, self._value(value.a), self._value(value.b))
            case ir.Unop():
                return values.unary(value.ty, value.operation, self._value(value.a))
            case ir.Cast():
                return values.cast(value.src.ty, value.ty, self._value(value.src))
            case ir.Load():
                return values.load(value.ty, self._value(value.address))
        raise CompileError(f"{self._function.name}: {type(value).__name__} needs ziglang's compiler")

    def _local(self, value: Any) -> str:
        if value not in self._locals:
            self._locals[value] = f"$v{len(self._locals)}"
            self._declared.append((self._locals[value], values.wasm(value.ty)))
        return self._locals[value]

    def _address(self, value: Any) -> str:
        """Return the address of a value in the frame."""
        return f"(i32.add (local.get {_FRAME}) (i32.const {self._places[value]}))"


_Item: TypeAlias = Any
"""A line of text, or a block that is still to be translated here."""


def _targets(block: Any) -> Sequence[Any]:
    """Return the targets of a block's last instruction, with duplicates."""
    last = block.last_instruction
    if hasattr(last, "lab_yes"):
        return (last.lab_yes, last.lab_no)
    return tuple(last.targets)
