"""The way from wasmtime into Python, where no ``try`` can help."""

from __future__ import annotations

import ctypes
import gc
import sys

import pytest

pytest.importorskip("wasmtime")

from zenowasm.backends.wasmtime.callbacks import Callbacks

_FUNCTION = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_size_t)
SIGNATURE = "uintptr_t(uintptr_t)"


def test_a_callback_answers_c() -> None:
    callbacks = Callbacks()
    double = _FUNCTION(callbacks.make(SIGNATURE, lambda number: 2 * number))
    assert double(21) == 42
    assert (callbacks.failed, callbacks.take()) == (False, None)


def test_an_exception_answers_0_and_is_kept_once() -> None:
    callbacks = Callbacks()
    error = ValueError("first")

    def fail(_: int) -> int:
        raise error

    assert _FUNCTION(callbacks.make(SIGNATURE, fail))(1) == 0
    assert callbacks.failed
    assert callbacks.take() is error
    assert (callbacks.failed, callbacks.take()) == (False, None)


def test_the_first_of_several_exceptions_is_the_one_to_raise() -> None:
    callbacks = Callbacks()
    errors = iter([KeyError("a"), IndexError("b"), KeyError("c")])

    def fail(_: int) -> int:
        raise next(errors)

    function = _FUNCTION(callbacks.make(SIGNATURE, fail))
    assert [function(0) for _ in range(3)] == [0, 0, 0]
    assert isinstance(callbacks.take(), KeyError)
    assert not callbacks.failed


def test_a_stack_that_is_too_short_to_enter_is_kept() -> None:
    callbacks = Callbacks()

    def descend(_: int) -> int:
        return descend(0)

    limit = sys.getrecursionlimit()
    gc.collect()  # what other tests have left would be finalized, and fail, where no stack is left
    assert _FUNCTION(callbacks.make(SIGNATURE, descend))(0) == 0
    assert isinstance(callbacks.take(), RecursionError)
    assert sys.getrecursionlimit() == limit
