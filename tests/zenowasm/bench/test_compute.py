from contextlib import ExitStack

import pytest

from zenowasm.bench.compute import cases, instructions, open_kernel
from zenowasm.bench.engines.protocol import InProcess
from zenowasm.bench.errors import DisagreementError, RefusedError
from zenowasm.bench.kernels import Kernel


class Fake:
    install = "pip install fake"
    in_process = True

    def __init__(self, label, answer, in_python=False, refuses=False):
        self.label, self.in_python, self._answer, self._refuses = label, in_python, answer, refuses

    def version(self):
        return "1"

    def compile(self, binary):
        if self._refuses:
            raise RefusedError("opcode fd")
        return binary

    def instantiate(self, module, stack):
        return InProcess(self._answer)


def kernel(**answers):
    return Kernel("loop", "", 2, 5, {int(key[1:]): value for key, value in answers.items()}, bits=32)


def opened(*engines, of=None):
    return open_kernel(of or kernel(), engines, ExitStack())


def test_engines_that_disagree_end_the_run_with_what_each_answered():
    with pytest.raises(DisagreementError) as caught:
        opened(Fake("one", lambda n: n), Fake("two", lambda n: n + 1))
    assert str(caught.value) == "loop(2): the engines disagree: one answered 0x2; two answered 0x3"


def test_the_large_size_is_compared_too():
    with pytest.raises(DisagreementError, match=r"loop\(5\): .*one answered 0x5; two answered 0x0"):
        opened(Fake("one", lambda n: n), Fake("two", lambda n: n if n < 5 else 0))


def test_a_known_result_judges_them_all():
    with pytest.raises(DisagreementError, match="one answered 0x2; the known result answered 0x7"):
        opened(Fake("one", lambda n: n), of=kernel(_2=7))


def test_signs_do_not_matter():
    assert set(opened(Fake("one", lambda n: -n), Fake("two", lambda n: 2**32 - n)).running) == {"one", "two"}


def test_an_engine_that_cannot_is_named():
    it = opened(Fake("one", int), Fake("two", int, refuses=True))
    assert (set(it.running), dict(it.refused)) == ({"one"}, {"two": "opcode fd"})


def test_interpreters_in_python_get_the_small_size_only():
    asked = []
    it = opened(Fake("one", lambda n: asked.append(n) or 0, in_python=True))
    assert asked == [2]
    assert [case.work for case in cases(it, {2: 20.0, 5: 50.0})] == [20.0]


def test_instructions_are_those_of_the_text():
    """call_in: one local.get and the function's end."""
    found = instructions(Kernel("call_in", "", 1, 2, {}, bits=32), (1, 2))
    assert found[1] == found[2]
    assert 1e-6 <= found[1] <= 3e-6
