"""wordcount, a plugin that is a process: run as its README says, and with files that the host has and refuses."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.toolchains import ROOT

SIDECARS = ROOT / "examples" / "sidecars"
ALLOW = SIDECARS / "allow.yaml"


@pytest.fixture
def run(tmp_path):
    """Run a script with the plugin, in a folder with two texts."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/a.txt").write_text("Zoë's cat. The cat; the CAT, 3 times\n")
    (tmp_path / "secret.txt").write_text("secret")

    def run(script, config=ALLOW):
        if isinstance(script, str):
            (tmp_path / "script.zl").write_text(script)
            script = tmp_path / "script.zl"
        command = [
            sys.executable,
            "-m",
            "zenowasm.cli.main",
            "run",
            script,
            "--plugin-dir",
            SIDECARS,
            "--config",
            config,
        ]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_as_the_readme_says(run) -> None:
    done = run(SIDECARS / "wordcount/test.zl")
    assert (done.stdout, done.stderr, done.returncode) == ("[INFO]: 5 words, 4 different\n", "", 0)
    readme = (SIDECARS / "wordcount/README.md").read_text()
    assert (SIDECARS / "wordcount/test.zl").read_text() in readme
    assert ALLOW.read_text() in readme


def test_a_file_that_the_host_lets_it_read(run) -> None:
    done = run('wordcount.file { path: "texts/a.txt", top: 2 }\nprint: $most\nprint: $words\n')
    assert done.stdout == '[{"word":"cat","count":3},{"word":"the","count":2}]\n7\n', done.stderr


def test_a_file_that_it_may_not_read(run) -> None:
    done = run('wordcount.file { path: "secret.txt" }\n')
    assert done.returncode == 1
    assert "plugin error: plugin wordcount does not have permission to read file: secret.txt" in done.stderr
    assert "plugin error: failed to read file" in run('wordcount.file { path: "texts/none.txt" }\n').stderr


def test_without_the_settings_it_does_not_load(run, tmp_path) -> None:
    (tmp_path / "none.yaml").write_text("wasm: {}\n")
    done = run(SIDECARS / "wordcount/test.zl", tmp_path / "none.yaml")
    assert done.returncode == 1
    assert "set wasm.security.allow_sidecar in config/plugins.yaml" in done.stderr
