"""Fenced blocks of Markdown, and how each is run.

The words behind the three backticks say what a block is: a language, then a path under which the block is a file of the
reader's. A ``console`` block is a series of commands after ``$`` with what they print; ``...`` stands for anything. A
command with ``&`` at its end is ended after the page; in a block with ``ends=itself`` it ends by itself. A ``python``
block without a path is run as a program; what its lines ``print(...)  # TEXT`` print must be TEXT. A ``json`` block
must be JSON. Every other block without a path is an error, since nobody would know whether it holds.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from attrs import define, field, frozen

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PRINTS = re.compile(r"^\s*print\(.*\)  # (.*)$", re.MULTILINE)


@frozen
class Block:
    language: str
    words: tuple[str, ...]
    text: str
    line: int


def blocks(page: str) -> Iterator[Block]:
    for found in _FENCE.finditer(page):
        line = page.count("\n", 0, found.start()) + 1
        yield Block(found[1], tuple(found[2].split()), found[3], line)


@define
class Reader:
    """Does what a page says, from top to bottom, in a folder."""

    folder: Path
    page: str
    running: list[subprocess.Popen[bytes]] = field(factory=list)
    ending: list[subprocess.Popen[bytes]] = field(factory=list)

    def do(self, block: Block) -> None:
        place = f"{self.page}:{block.line}"
        path = next((word for word in block.words if "=" not in word), None)
        if path is not None:
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        elif block.language == "console":
            code = next((int(it[5:]) for it in block.words if it.startswith("exit=")), 0)
            for command, expected in _commands(block.text):
                self._command(
                    place, command, expected, code, self.ending if "ends=itself" in block.words else self.running
                )
        elif block.language == "python":
            done = self._run([sys.executable, "-W", "error", "-c", block.text])
            assert done.returncode == 0, f"{place}: {done.stderr}"
            assert done.stdout.splitlines() == _PRINTS.findall(block.text), f"{place}: {done.stdout}"
        elif block.language == "json":
            json.loads(block.text)
        else:
            raise AssertionError(f"{place}: a block in {block.language} that nothing runs")

    def _command(
        self, place: str, command: str, expected: str, code: int, background: list[subprocess.Popen[bytes]]
    ) -> None:
        if command.startswith("pip install "):
            self._install(place, shlex.split(command)[2:])
            return
        if command.startswith("make "):
            target = command.split()[1]
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), f"{place}: {command}"
            return
        if command.endswith(" &"):
            background.append(self._start(command))
            return
        done = self._run(["bash", "-c", command])
        said = f"{place}: $ {command}\n{done.stdout}{done.stderr}"
        assert done.returncode == code, said
        if expected:
            pattern = ".*".join(map(re.escape, expected.strip().split("...")))
            assert re.fullmatch(pattern, (done.stdout + done.stderr).strip(), re.DOTALL), (
                f"{said}\n--- expected\n{expected}"
            )

    def _start(self, command: str) -> subprocess.Popen[bytes]:
        """Start what goes on in the background, and wait for its second line: then it can be reached."""
        words = ["bash", "-c", f"exec {command.removesuffix('&')}"]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        process = subprocess.Popen(words, cwd=self.folder, env=self.environment(), **pipes)
        assert [process.stdout.readline(), process.stdout.readline()][1], command
        return process

    def close(self) -> None:
        """End what runs in the background; it must end well."""
        for process in self.running:
            process.terminate()
        for process in (*self.running, *self.ending):
            rest, _ = process.communicate(timeout=60)
            assert process.returncode == 0, rest

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )

    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("ZENO_", "PYTEST"))}
        search = [str(self.folder / "site"), str(ROOT), kept.get("PYTHONPATH", "")]
        variables = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]]),
            "PYTHONPATH": os.pathsep.join(filter(None, search)),
            "PYTHONUTF8": "1",
            "COLUMNS": "120",
            "ZENO_CACHE_DIR": str(self.folder / ".cache"),
        }
        return {**kept, **variables}

    def _install(self, place: str, arguments: list[str]) -> None:
        """Do what pip does without a network: look whether extras are there, and make a folder's entry points known."""
        if arguments[0] == "-e":
            project = tomllib.loads((self.folder / arguments[1] / "pyproject.toml").read_text())["project"]
            info = self.folder / "site" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
            info.mkdir(parents=True)
            (info / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
            )
            lines = []
            for group, points in project["entry-points"].items():
                lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
            (info / "entry_points.txt").write_text("\n".join(lines))
            for module in (self.folder / arguments[1]).glob("*.py"):
                (self.folder / "site" / module.name).write_bytes(module.read_bytes())
            return
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        known = {"zenowasm", *(re.split(r"[\[<>=]", it)[0] for it in project["optional-dependencies"]["dev"])}
        for argument in arguments:
            name, _, extras = argument.rstrip("]").partition("[")
            assert name in known, f"{place}: {argument}"
            unknown = {*filter(None, extras.split(","))} - {*project["optional-dependencies"]}
            assert not unknown, f"{place}: {argument} has no extra {unknown}"


def _commands(text: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        while command.endswith("\\"):
            more, _, output = output.partition("\n")
            command = command[:-1] + more.strip()
        yield command.strip(), output
