"""DWARF in the custom sections of a module (WebAssembly tool conventions, "DWARF for WebAssembly")."""

from __future__ import annotations

from io import BytesIO

from elftools.dwarf.dwarfinfo import DebugSectionDescriptor, DwarfConfig, DWARFInfo

from zenowasm.interp.syntax.module import Module

_NAMES = (
    *("debug_info", "debug_aranges", "debug_abbrev", "debug_frame", "eh_frame", "debug_str", "debug_loc"),
    *("debug_ranges", "debug_line", "debug_pubtypes", "debug_pubnames", "debug_addr", "debug_str_offsets"),
    *("debug_line_str", "debug_loclists", "debug_rnglists", "debug_sup", "gnu_debugaltlink", "debug_types"),
)
_ADDRESS_BYTES = 4
GONE = (0, 0xFFFF_FFFF, 0xFFFF_FFFE)
"""The addresses that linkers give to functions that they left out; no function begins at the first byte."""


def dwarf_of(module: Module) -> DWARFInfo | None:
    """Return the DWARF of a module, ``None`` if it has none."""
    contents = {custom.name.removeprefix("."): custom.data for custom in module.customs if custom.name[:1] == "."}
    if "debug_info" not in contents or "debug_abbrev" not in contents:
        return None
    sections = {name: _section(name, contents[name]) if name in contents else None for name in _NAMES}
    config = DwarfConfig(little_endian=True, machine_arch="wasm", default_address_size=_ADDRESS_BYTES)
    return DWARFInfo(config, **{f"{name}_sec": section for name, section in sections.items()})


def _section(name: str, data: bytes) -> DebugSectionDescriptor:
    return DebugSectionDescriptor(BytesIO(data), f".{name}", 0, len(data), 0)
