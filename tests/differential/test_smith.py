"""A sample of the campaign in ``campaign.py``, and everything that it ever found."""

from __future__ import annotations

import pytest
from differential.campaign import FOUND, difference, generate, shrink

CASES = 5_000
BATCH = 50


@pytest.mark.parametrize("first", range(0, CASES, BATCH))
def test_engines_agree_on_generated_modules(first: int) -> None:
    for seed in range(first, first + BATCH):
        binary = generate(seed)
        where = difference(binary, seed)
        assert where is None, f"seed {seed}: {where}: {shrink(binary, seed)}"


def test_engines_agree_on_what_was_found() -> None:
    for path in sorted(FOUND.glob("*.wasm")):
        assert difference(path.read_bytes(), int(path.stem.rpartition("-")[2])) is None, path.name
