"""ZenoLang, the script language of the plugin system: parses scripts, registers slots, and runs scripts.

Source: the ABI document, "From a script" and "ZenoLang, the part `run script.zl` needs".
"""

from zenowasm.zenolang.builtins import default_registry
from zenowasm.zenolang.errors import (
    ControlFlowError,
    IncludeError,
    LexError,
    LimitError,
    NestingError,
    OperationError,
    ParseError,
    Position,
    SizeLimitError,
    SlotError,
    SlotRegistrationError,
    SourceLimitError,
    StepLimitError,
    TimeLimitError,
    UnknownFunctionError,
    UnknownSlotError,
    ZenoError,
)
from zenowasm.zenolang.evaluator import Evaluator
from zenowasm.zenolang.limits import ScriptLimits
from zenowasm.zenolang.parser import parse
from zenowasm.zenolang.scope import Scope
from zenowasm.zenolang.slots import Slot, SlotCall, SlotRegistry
from zenowasm.zenolang.syntax import Program

__all__ = [
    "ControlFlowError",
    "Evaluator",
    "IncludeError",
    "LexError",
    "LimitError",
    "NestingError",
    "OperationError",
    "ParseError",
    "Position",
    "Program",
    "Scope",
    "ScriptLimits",
    "SizeLimitError",
    "Slot",
    "SlotCall",
    "SlotError",
    "SlotRegistrationError",
    "SlotRegistry",
    "SourceLimitError",
    "StepLimitError",
    "TimeLimitError",
    "UnknownFunctionError",
    "UnknownSlotError",
    "ZenoError",
    "default_registry",
    "parse",
]
