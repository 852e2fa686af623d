"""Runs the demonstration's script on several engines and compares its observable results."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import define, field

from zenowasm.backends import registry
from zenowasm.backends.protocol import Store
from zenowasm.plugin import Host, LogRecord

_FOLDER: Final = Path(__file__).parent
SCRIPT: Final = _FOLDER / "hello.zl"
PLUGINS: Final = _FOLDER / "plugins"


@define
class Run:
    """The results on one engine: the script's output, the plugin's log, the variables, and the fuel of all guests."""

    output: list[str] = field(factory=list)
    log: list[str] = field(factory=list)
    variables: Mapping[str, object] = field(factory=dict)
    fuel: int = 0

    def note(self, record: LogRecord) -> None:
        """Keep a message from the plugin."""
        self.log.append(f"{record.level}: {record.message}")


def run(backend: str) -> Run:
    """Run the script on one engine."""
    result, stores = Run(), list[Store]()
    with Host(
        PLUGINS,
        backend=registry.engine(backend),  # with all its capabilities, because fuel is compared
        lazy=False,  # loads every plugin, whose fuel for loading is compared too
        log=result.note,
        on_store=lambda _, store: stores.append(store),
    ) as host:
        result.variables = host.run_script(SCRIPT, output=result.output.append)
    result.fuel = sum(store.fuel_consumed or 0 for store in stores)
    return result


def agree(runs: Sequence[Run]) -> bool:
    """Return whether all runs have the same results."""
    return all(it == runs[0] for it in runs)


def save(folder: Path) -> None:
    """Copy the script and its plugin to a folder; raises ``OSError``, ``FileExistsError`` if they already exist."""
    plugins = folder / PLUGINS.name
    if (folder / SCRIPT.name).exists() or plugins.exists():
        raise FileExistsError(f"{folder} has a {SCRIPT.name} or a folder {PLUGINS.name} already")
    shutil.copytree(PLUGINS, plugins)
    shutil.copyfile(SCRIPT, folder / SCRIPT.name)
