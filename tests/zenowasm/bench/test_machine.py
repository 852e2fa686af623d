import pytest

from zenowasm.bench import machine


@pytest.mark.parametrize(("load", "busy"), [(0.0, False), (0.9, False), (1.1, True), (8.5, True)])
def test_a_busy_machine_is_told(monkeypatch, load, busy):
    """Four cores: a quarter of a process for each is one."""
    monkeypatch.setattr(machine.os, "getloadavg", lambda: (load, 2.0, 3.0))
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 4)
    found = machine.facts({})["load at the start"]
    assert found.startswith(f"{load:.2f} (1 min), 2.00 (5 min), 3.00 (15 min)")
    assert found.endswith("; the machine was busy, so repeat the run") is busy


def test_the_cpu_is_named(monkeypatch, tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("processor : 0\nmodel name\t: Abacus 9000 \nflags : fpu\n")
    monkeypatch.setattr(machine, "_CPUINFO", file)
    assert machine.facts({})["CPU"] == "Abacus 9000"


def test_versions_are_one_fact():
    assert machine.facts({"zenowasm": "1", "v8": "2"})["versions"] == "zenowasm 1, v8 2"
