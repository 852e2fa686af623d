"""The built wheel, in an environment and a folder of its own: the first minutes of the README."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from docs.blocks import blocks

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT]  # of the source distribution
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def run(wheel, tmp_path_factory):
    """Runs a command of the shell in an empty folder, where zenowasm is the wheel's and everything else is ours."""
    home = tmp_path_factory.mktemp("home")
    venv.create(home / "venv", with_pip=False)
    (site,) = (home / "venv").glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (site / "others.pth").write_text(sysconfig.get_path("purelib"))  # it is searched after the wheel's own
    python = home / "venv/bin/python"
    (home / "venv/bin/zenowasm").write_text(f"#!{python}\nfrom zenowasm.cli.main import main\nmain()\n")
    (home / "venv/bin/zenowasm").chmod(0o755)
    work = home / "work"
    work.mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ZENO", "PYTHON", "PYTEST"))}
    path = os.pathsep.join([str(home / "venv/bin"), str(Path(sys.executable).parent), kept["PATH"]])
    variables = {**kept, "PATH": path, "ZENO_CACHE_DIR": str(home / "cache")}

    def run(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", command], cwd=work, env=variables, capture_output=True, text=True, timeout=300, check=False
        )

    return run


def test_it_is_the_wheel_that_runs(run) -> None:
    done = run("python -c 'import zenowasm; print(zenowasm.__file__)'")
    assert "/home" in done.stdout
    assert "site-packages" in done.stdout
    assert str(ROOT) not in done.stdout


def test_the_first_minutes_of_the_readme(run) -> None:
    text = (ROOT / "README.md").read_text()
    commands = [
        command.strip()
        for block in blocks(text)
        if block.language == "console"
        for command in re.findall(r"^\$ (.*)$", block.text, re.MULTILINE)
    ]
    mine = [it for it in commands if it.startswith("zenowasm")]
    assert len(mine) >= 6
    for command in mine:
        done = run(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr


def test_the_first_program_of_the_readme(run) -> None:
    first = next(block for block in blocks((ROOT / "README.md").read_text()) if block.language == "python")
    done = run(f"python - <<'END'\n{first.text}\nEND")
    assert (done.returncode, done.stdout) == (0, "36\n"), done.stderr


def test_what_is_in_it(wheel) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.split("/")[0] for name in names}
    assert {re.sub(r"-.*", "", it) for it in top} == {"zenowasm"}
    pages = [name.partition("/data/share/man/man1/")[2] for name in names if ".data/" in name]
    assert {"zenowasm.1", "zenowasm-run.1", "zenowasm-plugin-stats.1"} < set(pages)
    for wanted in ("interp/text/parser.py", "backends/registry.py", "demo/plugins/hello/hello.wasm", "py.typed"):
        assert f"zenowasm/{wanted}" in names
    assert not [name for name in names if "__pycache__" in name or Path(name).match("test_*.py")]
