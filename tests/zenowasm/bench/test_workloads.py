import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "bench" / "workloads"
SOURCES = sorted(it for it in FOLDER.iterdir() if it.suffix in {".wat", ".c"})


@pytest.mark.parametrize("source", SOURCES, ids=lambda it: it.name)
def test_binaries_are_what_their_sources_say(source):
    """The compilers are in the extra "dev": ziglang of one version, and wasm-tools."""
    sys.path.insert(0, str(FOLDER))
    try:
        from build import BUILDERS
    finally:
        sys.path.remove(str(FOLDER))
    assert BUILDERS[source.suffix](source) == source.with_suffix(".wasm").read_bytes()


def test_every_binary_has_a_source():
    assert {it.stem for it in FOLDER.glob("*.wasm")} == {it.stem for it in SOURCES}
