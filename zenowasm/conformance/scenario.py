"""Scenarios as they are written down: YAML, one file a chapter, each scenario with what the ABI says must happen."""

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
"""The value of an expectation that a scenario leaves out."""
_RESOLVED: Final[Mapping[str, Callable[[str], Any]]] = {
    "tag:yaml.org,2002:bool": lambda text: text.lower() in ("true", "yes", "on"),
    "tag:yaml.org,2002:int": lambda text: int(text, 0),
    "tag:yaml.org,2002:float": float,
}


class ScenarioError(Exception):
    """A file of scenarios cannot be read; the message has the file, the line and what was expected."""


@frozen
class Ask:
    """One call of a host function by the guest.

    ``text`` is what is passed; ``pointer`` and ``length`` replace where it lies and how long it is said to be.
    """

    function: str
    text: str = ""
    pointer: int | None = None
    length: int | None = None


@frozen
class Guest:
    """A guest: the frame of ``frame.wat`` with some of its parts replaced, or a whole module.

    ``ask`` makes the slot call one host function and answer with its reply; each of ``asks`` is called and its reply
    logged. ``phase`` says where: ``execute``, ``init``, ``register``, ``cleanup`` or ``start``. The other parts are
    instructions, fields or strings of the text format; ``bytes`` is hexadecimal text that stands for the whole
    binary, ``module`` the whole module as text, and ``file`` a binary beside the scenarios.
    ``process`` is Python that replaces parts of ``process_frame.py``: the plugin is that program, and no module.
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
    """The expected outcome of a step; only what is given is checked.

    ``success``, ``data`` and ``error`` are the guest's answer. ``raises`` is the whole text of the error that the
    caller gets instead of an answer, ``kind`` its type in this project, ``trap`` the code of the trap that caused it.
    ``output`` is what a script prints, ``fuel`` what a step that did not fail consumed. In texts ``...`` stands for
    anything.
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
    """One thing that the host does: ``call`` a slot, run a ``script``, ``load``, ``reload`` or ``close``.

    ``reload`` puts another guest, and what ``manifest`` changes, into the plugin's folder before; ``add`` loads a
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
    """The database ``main``: statements that fill it, and how plugins may use it."""

    setup: tuple[str, ...] = ()
    read_only: bool = False
    max_rows: int | None = None
    max_bytes: int | None = None
    max_seconds: float | None = None


@frozen
class Http:
    """How plugins may use HTTP: bounds on a request with all of its redirects, and on the body of a response."""

    seconds: float = 5.0
    response_bytes: int = 1 << 20


@frozen
class World:
    """The world outside the guest, and its expected state afterwards (``after_...``).

    ``settings`` is what ``config/plugins.yaml`` has below ``wasm``. ``http`` null, ``has_files`` false and no
    ``database`` stand for a host that does not offer them.
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
    """One scenario. ``source`` names what the expectations are taken from; ``file`` and ``line`` are its place.

    ``manifest`` adds fields to the plugin's manifest, null takes one out, ``manifest_text`` is the whole of another;
    ``absent`` names files of the plugin's folder that are not there.
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
        """Return the steps; a scenario without any calls its slot once."""
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
    """Return the scenarios of a file, in order.

    A file has ``about`` (the chapter), ``source``, ``scenarios``, and ``defaults`` for those that do not say
    otherwise. Raises ``ScenarioError``.
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
    """Yield the files of scenarios that ``paths`` name: files themselves, and those in folders, by name."""
    for path in paths:
        if path.is_dir():
            yield from sorted(path.glob(f"*{SUFFIX}"))
        else:
            yield path


def plain(node: Node) -> Any:
    """Return a node of a document as the value that YAML's core schema gives it."""
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
