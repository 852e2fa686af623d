from __future__ import annotations

import pytest

from zenowasm.backends import registry
from zenowasm.demo import comparison


def test_the_engines_agree() -> None:
    runs = [comparison.run(name) for name in registry.names()]
    assert runs[0].output == ["[INFO]: Hello, World!"]
    assert runs[0].log == ["info: Greeting: Hello, World!"]
    assert runs[0].fuel > 1000
    assert comparison.agree(runs)


@pytest.mark.parametrize("change", [{"output": ["a"]}, {"log": ["a"]}, {"variables": {"a": 1}}, {"fuel": 1}])
def test_what_differs_is_no_agreement(change) -> None:
    assert not comparison.agree([comparison.Run(), comparison.Run(**change)])
    assert comparison.agree([comparison.Run(**change), comparison.Run(**change)])


def test_it_is_saved_once(tmp_path) -> None:
    comparison.save(tmp_path)
    assert (tmp_path / "hello.zl").read_bytes() == comparison.SCRIPT.read_bytes()
    assert (tmp_path / "plugins/hello/hello.wasm").is_file()
    with pytest.raises(FileExistsError):
        comparison.save(tmp_path)
