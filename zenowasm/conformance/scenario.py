"""Reads scenarios from YAML, one file per chapter; each contains the outcome that the ABI requires."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import cattrs
from attrs import evolve, field, frozen

from zenowasm.plugin.configuration.document import DocumentError, MappingNode, Node, Scalar, SequenceNode, load

SUFFIX: Final = ".yaml"
MAX_BYTES: Final = 256 * 1024
UNSAID: Final[Any] = "nothing is said of it; null would say that it is null"
"""The value of an expectation that a scenario omits."""
_RESOLVED: Final[Mapping[str, Callable[[str], Any]]] = {
    "tag:yaml.org,2002:bool": lambda text: text.lower() in ("true", "yes", "on"),
    "tag:yaml.org,2002:int": lambda text: int(text, 0),
    "tag:yaml.org,2002:float": float,
}


class ScenarioError(Exception):
    """A scenario file cannot be read; the message names the file, the line and the expected form."""


@frozen
class Ask:
    """One host call by the guest.

    ``text`` is the argument; ``pointer`` and ``length`` override its address and its length.
    """

    function: str
    text: str = ""
    pointer: int | None = None
    length: int | None = None


@frozen
class Guest:
    """A guest: the frame of ``frame.wat`` with some parts replaced, or a whole module.

    With ``ask``, the slot makes one host call and returns its reply as the response; each of ``asks`` is called and its
    reply is logged. ``phase`` selects where: ``execute``, ``init``, ``register``, ``cleanup`` or ``start``. The other
    parts are instructions, fields or strings of the text format. ``bytes`` is the whole binary in hexadecimal,
    ``module`` the whole module as text, and ``file`` a binary in the scenarios' folder. ``process`` is Python that
    replaces parts of ``process_frame.py``: the plugin is then that program instead of a module.
    """

    metadata: str | None = None
    slots: str | None = None
    response: str | None = None
    imports: str = ""
    fields: str = ""
    init: str | None = None
    register: str | None = None
    execute: str | None = None
    cleanup: str | None = None
    alloc: str | None = None
    memory: str | None = None
    without: tuple[str, ...] = ()
    ask: Ask | None = None
    asks: tuple[Ask, ...] = ()
    phase: str = "execute"
    bytes: str | None = None
    module: str | None = None
    file: str | None = None
    process: str | None = None


@frozen
class Expectation:
    """The expected outcome of a step; only the given fields are checked.

    ``success``, ``data`` and ``error`` are the guest's response. ``raises`` is the complete message of the error that
    the caller receives instead of a response, ``kind`` its type in this project, and ``trap`` the code of the trap that
    caused it. ``output`` is a script's output, and ``fuel`` the consumption of a step that did not fail. In texts,
    ``...`` matches anything.
    """

    success: Any = UNSAID
    data: Any = UNSAID
    error: Any = UNSAID
    raises: Any = UNSAID
    kind: Any = UNSAID
    trap: Any = UNSAID
    output: Any = UNSAID
    fuel: Any = UNSAID


@frozen
class Step:
    """One action of the host: ``call`` a slot, run a ``script``, ``load``, ``reload`` or ``close``.

    ``reload`` first writes another guest, and the changes in ``manifest``, to the plugin's folder. ``add`` loads a
    second plugin, named ``other``, with the same permissions.
    """

    call: str | None = None
    parameters: Mapping[str, Any] = field(factory=dict)
    script: str | None = None
    load: bool = False
    add: Guest | None = None
    reload: Guest | None = None
    manifest: Mapping[str, Any] = field(factory=dict)
    close: bool = False
    expect: Expectation = Expectation()


@frozen
class Database:
    """The database ``main``: the statements that fill it, and its settings."""

    setup: tuple[str, ...] = ()
    read_only: bool = False
    max_rows: int | None = None
    max_bytes: int | None = None
    max_seconds: float | None = None


@frozen
class Http:
    """The HTTP settings: limits on a request with all of its redirects, and on the body of a response."""

    seconds: float = 5.0
    response_bytes: int = 1 << 20


@frozen
class World:
    """The environment of the guest, and its expected state afterwards (``after_...``).

    ``settings`` is the content of ``wasm`` in ``config/plugins.yaml``. A host offers no HTTP if ``http`` is null, no
    files if ``has_files`` is false, and no database without ``database``.
    """

    environment: Mapping[str, str] = field(factory=dict)
    scope: Mapping[str, Any] = field(factory=dict)
    files: Mapping[str, str] = field(factory=dict)
    links: Mapping[str, str] = field(factory=dict)
    has_files: bool = True
    database: Database | None = None
    http: Http | None = Http()
    settings: Mapping[str, Any] = field(factory=dict)
    after_scope: Any = UNSAID
    after_files: Mapping[str, str | None] = field(factory=dict)
    after_rows: Mapping[str, Any] = field(factory=dict)


@frozen
class Scenario:
    """One scenario. ``source`` names the source of its expectations; ``file`` and ``line`` are its place.

    ``manifest`` sets fields of the plugin's manifest, or removes them with null; ``manifest_text`` replaces the whole
    manifest. ``absent`` names files that are missing from the plugin's folder.
    """

    name: str
    guest: Guest = Guest()
    permissions: Mapping[str, Any] = field(factory=dict)
    manifest: Mapping[str, Any] = field(factory=dict)
    manifest_text: str | None = None
    absent: tuple[str, ...] = ()
    world: World = World()
    call: str | None = None
    parameters: Mapping[str, Any] = field(factory=dict)
    expect: Expectation = Expectation()
    steps: tuple[Step, ...] = ()
    log: Any = UNSAID
    host_calls: Any = UNSAID
    source: str = ""
    chapter: str = ""
    file: Path = Path()
    line: int = 0

    def all_steps(self) -> tuple[Step, ...]:
        """Return the steps; a scenario without steps calls its slot once."""
        if self.steps:
            return self.steps
        return (Step(call=self.call or "guest.run", parameters=self.parameters, expect=self.expect),)


_CONVERTER = cattrs.Converter(forbid_extra_keys=True)


@_CONVERTER.register_structure_hook
def _text(value: Any, _: type) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, found {value!r:.40}")
    return value


def read_scenarios(path: Path) -> tuple[Scenario, ...]:
    """Read the scenarios of a file, in order.

    A file has ``about`` (the chapter), ``source``, ``scenarios``, and ``defaults``, which scenarios can override.
    Raises ``ScenarioError``.
    """
    try:
        text = path.read_text("utf-8")
        root = load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: cannot be read: {error}") from error
    except DocumentError as error:
        raise ScenarioError(f"{path}:{error.line}: {error.field}: {error}") from error
    nodes = root.get("scenarios") if isinstance(root, MappingNode) else None
    if not isinstance(root, MappingNode) or not isinstance(nodes, SequenceNode):
        raise ScenarioError(f"{path}:{root.line}: expected a mapping with a list of `scenarios`")
    shared = {key: plain(node) for key, node in root.items() if key != "scenarios"}
    common = evolve(
        Scenario(name="", source=str(shared.get("source", "")), chapter=str(shared.get("about", path.stem))), file=path
    )
    defaults = shared.get("defaults", {})
    found = tuple(_scenario(node, defaults, common) for node in nodes)
    seen: set[str] = set()
    for scenario in found:
        if scenario.name in seen:
            raise ScenarioError(f"{path}:{scenario.line}: two scenarios are named {scenario.name!r}")
        seen.add(scenario.name)
    return found


def scenario_files(paths: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the scenario files in ``paths``: files themselves, and the files in folders, sorted by name."""
    for path in paths:
        if path.is_dir():
            yield from sorted(path.glob(f"*{SUFFIX}"))
        else:
            yield path


def plain(node: Node) -> Any:
    """Convert a document's node to its value in YAML's core schema."""
    if isinstance(node, MappingNode):
        return {key: plain(item) for key, item in node.items()}
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node]
    assert isinstance(node, Scalar)
    if node.is_null:
        return None
    resolve = _RESOLVED.get(node.tag)
    return node.text if resolve is None else resolve(node.text)


def _scenario(node: Node, defaults: Mapping[str, Any], common: Scenario) -> Scenario:
    place = f"{common.file}:{node.line}"
    if not isinstance(node, MappingNode) or "name" not in node:
        raise ScenarioError(f"{place}: expected a scenario with a name")
    try:
        scenario = _CONVERTER.structure({**defaults, **plain(node)}, Scenario)
    except cattrs.BaseValidationError as error:
        raise ScenarioError(f"{place}: {'; '.join(cattrs.transform_error(error))}") from error
    return evolve(
        scenario,
        file=common.file,
        line=node.line,
        chapter=common.chapter,
        source=scenario.source or common.source,
    )
