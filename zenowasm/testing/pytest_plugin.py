"""The pytest fixtures for tests of plugins, which ``docs/plugin-author.md`` describes.

pytest imports this module in every run, even in runs without plugins. So the module imports only pytest, and each
fixture imports its own dependencies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from zenowasm.backends.protocol import Store
    from zenowasm.plugin import AuditRecord, Host
    from zenowasm.profiling.counting import InstructionCounter
    from zenowasm.testing.log import CapturedLog
    from zenowasm.testing.on_demand import Engines
    from zenowasm.testing.same import SameEverywhere
    from zenowasm.testing.web import FakeWeb
    from zenowasm.testing.world import Database, World

_INI = "zenowasm_plugin_dir"
_OPTION = "zeno_backends"
_COVERAGE = "zeno_coverage"
_ENGINES: pytest.StashKey[Engines] = pytest.StashKey()
_COUNTER: pytest.StashKey[InstructionCounter] = pytest.StashKey()
_WRITTEN: pytest.StashKey[str] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("zenowasm")
    group.addoption(
        "--zeno-backend",
        action="append",
        dest=_OPTION,
        metavar="NAME",
        help="Engine to test plugins on; may be repeated. Without it, every engine that is installed.",
    )
    group.addoption(
        "--zeno-coverage",
        dest=_COVERAGE,
        metavar="FILE",
        help="Write the coverage of the plugins' sources by the tests on the engine reference: a tracefile of lcov, or "
        "a page if FILE ends with .html.",
    )
    parser.addini(_INI, "The folder of your plugins, or of one plugin; without it, plugins, or what has manifest.yaml.")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Generate one test per engine for tests that use an engine."""
    if "zeno_backend" in metafunc.fixturenames:
        metafunc.parametrize("zeno_backend", _backends(metafunc.config))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the coverage; each worker of pytest-xdist writes a file of its own, such as ``lcov.info.gw0``."""
    config = session.config
    counter = config.stash.get(_COUNTER, None)
    if counter is not None:
        from zenowasm.testing.coverage import write_coverage

        worker = getattr(config, "workerinput", {}).get("workerid", "")
        config.stash[_WRITTEN] = write_coverage(counter, Path(config.getoption(_COVERAGE)), worker)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say where the coverage is."""
    written = config.stash.get(_WRITTEN, None)
    if written is not None:
        terminalreporter.write_line(written)


@pytest.fixture
def zeno_plugin_dir(pytestconfig: pytest.Config) -> Path:
    """Return the folder of the plugins, or of one plugin, from the ini option; override it to use another."""
    root = pytestconfig.rootpath
    if given := pytestconfig.getini(_INI):
        return root / str(given)
    return root if (root / "manifest.yaml").exists() else root / "plugins"


@pytest.fixture
def zeno_env() -> dict[str, str]:
    """Return the host's environment, which is empty; override it to set variables for plugins."""
    return {}


@pytest.fixture
def zeno_settings() -> dict[str, Any]:
    """Return the ``wasm`` settings of ``config/plugins.yaml``, which are empty; override it to set limits, for
    example.
    """
    return {}


@pytest.fixture
def zeno_files(tmp_path: Path) -> Path:
    """Return the root folder of the plugins' files."""
    folder = tmp_path / "zeno-files"
    folder.mkdir()
    return folder


@pytest.fixture
def zeno_database(tmp_path: Path) -> Database:
    """Return a new SQLite database for every connection name that the manifests list (extra ``db``)."""
    from zenowasm.testing.world import Database

    return Database(tmp_path / "zeno.db")


@pytest.fixture
def zeno_http() -> Iterator[FakeWeb]:
    """Return a local web server that replaces every host (extra ``http``)."""
    from zenowasm.testing.web import fake_web

    with fake_web() as web:
        yield web


@pytest.fixture
def zeno_log() -> CapturedLog:
    """Return the log of the plugins of ``zeno_host``."""
    from zenowasm.testing.log import CapturedLog

    return CapturedLog()


@pytest.fixture
def zeno_audit() -> list[AuditRecord]:
    """Return a list with a record of each host call by the plugins of ``zeno_host``."""
    return []


@pytest.fixture
def zeno_world(
    request: pytest.FixtureRequest,
    zeno_plugin_dir: Path,
    zeno_files: Path,
    zeno_env: Mapping[str, str],
    zeno_settings: Mapping[str, Any],
) -> World:
    """Return the plugins' environment, with a database and a network only in tests that use those fixtures."""
    from zenowasm.testing.on_demand import Engines
    from zenowasm.testing.world import World

    stash = request.config.stash
    if _ENGINES not in stash:
        stash[_ENGINES] = Engines()  # each binary is compiled once in a run, whatever the number of tests
    given = {
        key: request.getfixturevalue(name)
        for key, name in (("database", "zeno_database"), ("web", "zeno_http"))
        if name in request.fixturenames
    }
    return World(zeno_plugin_dir, zeno_files, zeno_env, zeno_settings, **given, engines=stash[_ENGINES])


@pytest.fixture
def zeno_host(
    pytestconfig: pytest.Config,
    zeno_backend: str,
    zeno_world: World,
    zeno_log: CapturedLog,
    zeno_audit: list[AuditRecord],
) -> Iterator[Host]:
    """Return a host of the plugins, with only the network and the environment of the test."""
    with zeno_world.host(zeno_backend, zeno_log, zeno_audit, on_store=_counting(pytestconfig, zeno_backend)) as host:
        yield host


@pytest.fixture
def zeno_call(zeno_host: Host) -> Callable[..., dict[str, Any]]:
    """Return a function that calls a slot, ``zeno_call("hello.greet", name="World")``, and returns its data."""
    return zeno_host.call


@pytest.fixture
def zeno_same_everywhere(pytestconfig: pytest.Config, zeno_world: World, tmp_path: Path) -> Iterator[SameEverywhere]:
    """Return a function that calls a slot on every engine, fails if they differ in anything, and returns its data."""
    from zenowasm.testing.same import SameEverywhere

    folder = tmp_path / "zeno-engines"
    folder.mkdir()
    calls = SameEverywhere(zeno_world, folder, tuple(_backends(pytestconfig)))
    yield calls
    calls.close()


def _counting(config: pytest.Config, backend: str) -> Callable[[str, Store], None] | None:
    """Return what is told each store whose plugins are counted, ``None`` if there is no coverage of the engine."""
    if config.getoption(_COVERAGE) is None:
        return None
    from zenowasm.testing.coverage import counter_for

    counter = counter_for(backend, config.stash.get(_COUNTER, None))
    if counter is None:
        return None
    config.stash[_COUNTER] = counter
    return counter.attach


def _backends(config: pytest.Config) -> list[str]:
    from zenowasm.backends import registry

    given: list[str] | None = config.getoption(_OPTION)
    return list(dict.fromkeys(given or registry.installed()))
