"""Run inside LLDB's own Python: writes the values of all variables at every line of a source file as JSON.

Beforehand, LLDB has connected to a guest that is stopped at its first instruction. ``ZENOWASM_JUDGE`` has the request:
the source's name, the most stops at one address, and the file to write.
"""

from __future__ import annotations

import json
import os
from typing import Any

import lldb

_DEPTH = 5
_ELEMENTS = 6
_CALLS = (lldb.eValueTypeVariableArgument, lldb.eValueTypeVariableLocal)
_FLOATS = (lldb.eBasicTypeFloat, lldb.eBasicTypeDouble)


def __lldb_init_module(debugger: Any, _: Any) -> None:
    request = json.loads(os.environ["ZENOWASM_JUDGE"])
    debugger.SetAsync(False)
    with open(request["output"], "w") as file:
        json.dump(_Judge(debugger.GetSelectedTarget(), request).stops(), file)


class _Judge:
    def __init__(self, target: Any, request: dict[str, Any]) -> None:
        self._target = target
        self._process = target.GetProcess()
        self._most = request["most"]
        self._left: dict[int, int] = {}
        self._set_breakpoints(request["source"])

    def _set_breakpoints(self, source: str) -> None:
        self._breakpoints = {}
        for module in self._target.module_iter():
            for unit in module.compile_unit_iter():
                for entry in unit:
                    address = entry.GetStartAddress()
                    at = address.GetLoadAddress(self._target)
                    function = address.GetFunction()
                    known = entry.GetLine() and entry.GetFileSpec().GetFilename() == source and function
                    # A function begins with its locals, which are no instruction.
                    if known and at not in self._breakpoints and address != function.GetStartAddress():
                        self._breakpoints[at] = self._target.BreakpointCreateByAddress(at)
                        self._left[at] = self._most

    def stops(self) -> dict[str, Any]:
        """Continue to the end, and return the addresses and what was seen at each stop."""
        seen = []
        while self._process.Continue().Success() and self._process.GetState() == lldb.eStateStopped:
            frame = self._process.GetSelectedThread().GetFrameAtIndex(0)
            at = frame.GetPC()
            seen.append({"pc": at & 0xFFFFFFFF, "line": frame.GetLineEntry().GetLine(), "values": self._values(frame)})
            self._left[at] -= 1
            if not self._left[at]:
                self._breakpoints[at].SetEnabled(False)
        return {"addresses": [it & 0xFFFFFFFF for it in self._breakpoints], "stops": seen}

    def _values(self, frame: Any) -> list[Any]:
        """The variables of a call, with those of the calls that are inlined in it, innermost first."""
        found = []
        for outer in frame.GetThread():
            for it in outer.GetVariables(True, True, True, True, lldb.eNoDynamicValues):
                leaves: dict[str, str] = {}
                _flatten(it.GetNonSyntheticValue(), "", leaves, 0)
                found.append([it.GetName(), it.GetDeclaration().GetLine(), leaves, it.GetValueType() in _CALLS])
            if not outer.IsInlined():
                break
        return found


def _flatten(value: Any, path: str, leaves: dict[str, str], depth: int) -> None:
    if not value.GetType().GetByteSize():
        return
    if value.GetError().Fail():
        # LLDB 22 has no registers for a frame of an inlined call that is deeper than the number of guest calls.
        is_lost = "register context" in (value.GetError().GetCString() or "")
        leaves[path] = "unknown" if is_lost else "unavailable"
        return
    type_ = value.GetType().GetCanonicalType()
    kind = type_.GetTypeClass()
    if kind & (lldb.eTypeClassStruct | lldb.eTypeClassUnion | lldb.eTypeClassClass):
        for index in range(value.GetNumChildren() if depth < _DEPTH else 0):
            child = value.GetChildAtIndex(index)
            _flatten(child, f"{path}.{child.GetName() or ''}", leaves, depth + 1)
    elif kind & lldb.eTypeClassArray:
        for index in range(min(value.GetNumChildren(), _ELEMENTS) if depth < _DEPTH else 0):
            _flatten(value.GetChildAtIndex(index), f"{path}[{index}]", leaves, depth + 1)
    else:
        data, size = value.GetData(), type_.GetByteSize()
        error = lldb.SBError()
        if type_.GetBasicType() in _FLOATS or size > 8:
            leaves[path] = data.ReadRawData(error, 0, data.GetByteSize()).hex()
        elif size:
            leaves[path] = str(value.GetValueAsSigned(error) % (1 << 8 * size))
        if error.Fail():
            leaves[path] = "unavailable"
