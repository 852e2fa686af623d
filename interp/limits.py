"""Limits on untrusted modules. Every count, length and depth is checked before it is used."""

from __future__ import annotations

from attrs import field, frozen, validators

MIB = 1 << 20
PAGE_SIZE = 65_536
"""Bytes in one WebAssembly page (specification, 4.2.8)."""


@frozen
class ModuleLimits:
    """Limits on one binary module, checked while it is decoded; the values follow the limits of the JavaScript API.

    The remaining bytes of a section also bound each count, so these limits matter only for large modules.
    """

    module_bytes: int = 1024 * MIB
    types: int = 1_000_000
    functions: int = 1_000_000
    imports: int = 1_000_000
    exports: int = 1_000_000
    globals: int = 1_000_000
    tables: int = 100_000
    memories: int = 100
    tags: int = 1_000_000
    data_segments: int = 100_000
    element_segments: int = 10_000_000
    elements: int = 10_000_000
    function_bytes: int = 7_654_321
    locals: int = 50_000
    all_locals: int = 1_000_000
    """In all functions together; or four for each byte of the module, if that is more."""
    parameters: int = 1_000
    results: int = 1_000
    fields: int = 10_000
    string_bytes: int = 100_000
    nesting: int = 100_000
    """Nested blocks. Decoding and validating use no recursion, so this bounds memory only."""


@frozen
class ExecutionLimits:
    """Limits on one store: bytes of all memories, elements of all tables, bytes of all aggregates; and, summed over all
    its stacks, active calls, live values, and nested calls of the host back into guests.

    Each nested call uses a dozen frames of Python's own stack, so ``sys.getrecursionlimit()`` bounds these calls, too.
    """

    memory_bytes: int = field(default=100 * MIB, validator=validators.ge(0))
    table_elements: int = field(default=10_000_000, validator=validators.ge(0))
    heap_bytes: int = field(default=100 * MIB, validator=validators.ge(0))
    call_depth: int = field(default=10_000, validator=validators.ge(1))
    stack_values: int = field(default=4_000_000, validator=validators.ge(1))
    nested_calls: int = field(default=60, validator=validators.ge(0))
