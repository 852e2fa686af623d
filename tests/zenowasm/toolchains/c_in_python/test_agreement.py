"""C compiled in Python computes what zig's compiler makes of the same source."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.engines import Guest

from zenowasm.backends.protocol import Budget
from zenowasm.toolchains.c_in_python import compile_module, read_c
from zenowasm.toolchains.errors import CompileError

SOURCE = Path(__file__).with_name("agreement.c")
CASES = max(int(number) for number in re.findall(r"case (\d+):", SOURCE.read_text()))
EDGES = [0, 1, -1, 2, 7, 31, 100, -8, -300, 1 << 15, 1 << 16, (1 << 31) - 1, -(1 << 31) + 1]
ZIG = ("--target=wasm32-freestanding", "-nostdlib", "-O1", "-fwrapv", "-w", "-Wl,--no-entry", "-Wl,--export=f")


@pytest.fixture(scope="module")
def guests(tmp_path_factory):
    output = tmp_path_factory.mktemp("zig") / "agreement.wasm"
    subprocess.run([sys.executable, "-m", "ziglang", "cc", *ZIG, "-o", output, SOURCE], check=True)
    ours = compile_module(read_c(SOURCE), ["f"], [])
    budget = Budget(fuel=20_000_000)
    return Guest(ours, "wasmtime", budget=budget), Guest(output.read_bytes(), "wasmtime", budget=budget)


@pytest.mark.parametrize("case", range(CASES + 2))
def test_both_compute_the_same(guests, case) -> None:
    ours, zigs = guests
    chance = random.Random(case)
    pairs = [(x, y) for x in EDGES for y in EDGES]
    pairs += [(chance.getrandbits(32), chance.getrandbits(32)) for _ in range(60)]
    for x, y in pairs:
        arguments = (case, x & 0xFFFFFFFF, y & 0xFFFFFFFF)
        assert ours("f", *arguments) == zigs("f", *arguments), arguments


def test_a_deep_recursion_traps_and_overwrites_nothing(tmp_path) -> None:
    source = tmp_path / "deep.c"
    source.write_text("int kept = 7; int deep(int n) { int a[64]; a[n & 63] = n; return deep(n + 1) + a[0]; }\n"
                      "int get(void) { return kept; }")  # fmt: skip
    guest = Guest(compile_module(read_c(source), ["deep", "get"], []), "wasmtime")
    assert guest.outcome("deep", 0).trap is not None
    assert guest("get") == (7,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("int f(void) { return g(); }", "g"),
        ("int g(int); int f(void) { return g(1); }", "the function g is declared, and neither defined nor"),
        ("extern int v; int f(void) { return v; }", "the variable v is declared and not defined"),
        ("int f(int x) { if (x > 5) goto in; while (x) { in: x--; } return x; }", "a goto enters a loop"),
        ("int f(int x) { int a[2]; a[0] /= (x > 0 ? 2.5 : 1.5); return a[0]; }", "write `a = a / b` here"),
        ("int f(long a, unsigned b) { return a < b; }", "cast one operand"),
        ("#include <stdio.h>\nint f(void) { return 0; }", "stdio.h"),
        ("int f(", "refused.c: "),
        ("char a[2000000000]; int f(void) { return a[0]; }", "more than"),
    ],
)
def test_what_is_refused_is_said(tmp_path, text, words) -> None:
    source = tmp_path / "refused.c"
    source.write_text(text)
    with pytest.raises(CompileError) as raised:
        compile_module(read_c(source), ["f"], [])
    assert words in str(raised.value)


def test_nothing_is_printed(tmp_path, capfd, caplog) -> None:
    source = tmp_path / "quiet.c"
    source.write_text("int f(int x) { if (x) return 1; return 2; }")
    compile_module(read_c(source), ["f"], [])
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
