"""``zenowasm ask``: questions about a recorded run, as text and as JSON."""

from __future__ import annotations

import json

import pytest
from support.wasm import wat

LOOP = """(module (memory (export "memory") 1)
  (func $add (param $n i32) (result i32)
    (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (local.get $n)))
    (i32.load (i32.const 8)))
  (func (export "run") (param $n i32) (result i32)
    (loop $l (result i32)
      (call $add (local.get $n))
      (if (param i32) (result i32) (local.tee $n (i32.sub (local.get $n) (i32.const 1)))
        (then (drop) (br $l))
        (else)))))"""


@pytest.fixture
def recording(zenowasm):
    (zenowasm.folder / "loop.wasm").write_bytes(wat(LOOP))
    assert zenowasm("exec", "--record", "run.zr", "loop.wasm", "run", "3").out == "6\n"
    return "run.zr"


def test_answers_as_text_and_as_json(zenowasm, recording):
    text = zenowasm("ask", recording, "calls add", "who wrote $u32[8]").out
    calls, writes = text.split("who wrote $u32[8]\n")
    assert [line.partition(": ")[2].partition(" in ")[0] for line in calls.splitlines()[1:]] == [
        "add(3) returned 3",
        "add(2) returned 5",
        "add(1) returned 6",
    ]
    assert [line.split()[3].rstrip(",") for line in writes.splitlines()] == ["3", "5", "6"]
    (answer,) = json.loads(zenowasm("ask", "--json", recording, "who wrote $u32[8]").out)
    assert [row["what"] for row in answer["answer"]] == [
        "$u32[8] = 3, before 0",
        "$u32[8] = 5, before 3",
        "$u32[8] = 6, before 5",
    ]
    assert answer["left_out"] == 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["calls ad"], "there is no function ad"),
        (["--at", "99999", "calls add"], "the replay ends before that time"),
        (["why"], "expected a question"),
    ],
)
def test_a_question_without_an_answer(zenowasm, recording, arguments, problem):
    *options, question = arguments
    done = zenowasm("ask", *options, recording, question)
    assert done.code == 1
    assert done.err.startswith(f"error: {problem}")
