import pytest

from zenowasm.bench import starts
from zenowasm.bench.errors import DisagreementError
from zenowasm.bench.hosts.table import HOSTS
from zenowasm.toolchains.errors import ToolchainError

INSTALLED = [it for it in HOSTS if it.version() is not None]


def test_every_host_starts():
    folders, absent = starts.plugin_folders(())
    assert absent == {}
    found = list(starts.measure(folders, INSTALLED, 1))
    assert [it.label for it in found] == [it.label for it in INSTALLED]
    for it in found:
        assert it.language == "C"
        assert 1_000 < it.size < 10_000
        assert it.first[0] > 0 < it.second[0]


def test_a_missing_toolchain_is_named(monkeypatch):
    def build(folder):
        raise ToolchainError("no cargo was found")

    monkeypatch.setattr(starts, "build_plugin", build)
    folders, absent = starts.plugin_folders(("rust",))
    assert list(folders) == ["C"]
    assert absent == {"hello in Rust": "no cargo was found"}


def test_a_host_that_does_not_answer_ends_the_run(tmp_path):
    class Silent:
        label, loads_any = "reference", True

        def size(self, folder):
            return 0

    with pytest.raises(DisagreementError, match="reference answered nothing"):
        list(starts.measure({"C": tmp_path}, [Silent()], 1))
