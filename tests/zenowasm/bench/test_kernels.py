import pytest

from zenowasm.bench.kernels import CALL_IN, CALL_OUT, KERNELS, QUICKJS


@pytest.mark.parametrize("kernel", [*KERNELS, QUICKJS, CALL_OUT], ids=lambda it: it.name)
@pytest.mark.parametrize("which", ["small", "large"])
def test_growth_has_four_sizes_that_grow(kernel, which):
    steps = kernel.steps(getattr(kernel, which))
    sizes = [kernel.size_of(step) for step in steps]
    assert len(set(sizes)) == 4
    assert sizes == sorted(sizes)
    assert sizes[0] > 0


def test_names_are_unique():
    names = [it.name for it in (*KERNELS, QUICKJS, CALL_IN, CALL_OUT)]
    assert len(set(names)) == len(names)


def test_calls_of_fib():
    """fib(0) and fib(1) are one call, fib(2) three, fib(3) five, fib(4) nine."""
    fib = next(it for it in KERNELS if it.name == "fib")
    assert [fib.size_of(number) for number in range(5)] == [1, 1, 3, 5, 9]
