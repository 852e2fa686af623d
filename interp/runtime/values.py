"""Values as Python objects (specification, 4.2.1).

========== ==========================================================================================================
type       representation
========== ==========================================================================================================
i32, i64   ``int``, unsigned: 0 <= value < 2**32 or 2**64
f32, f64   ``float``; an f32 is the double of the same value. A NaN keeps its sign and payload: an f32 NaN travels
           as the double whose sign is the same and whose top 23 payload bits are the f32's payload
v128       ``int``, unsigned: 0 <= value < 2**128, byte 0 of the vector is the least significant byte
references ``None`` for null; a function instance for functions; ``ExternRef`` for host references
========== ==========================================================================================================
"""

from __future__ import annotations

from typing import Any, TypeAlias

from attrs import frozen

Value: TypeAlias = Any
"""A WebAssembly value in the representation above. ``Any``, since the loop that moves values never inspects them."""


@frozen(eq=False)
class ExternRef:
    """A reference to an object of the host, opaque to the guest."""

    value: object
