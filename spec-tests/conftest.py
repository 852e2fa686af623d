"""Where the official suite is, and which engines it runs on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BACKENDS = ("reference", "wasmtime")
_HERE = Path(__file__).parent


def suite_folder() -> Path:
    named = os.environ.get("ZENOWASM_SPEC_TESTSUITE")
    return Path(named) if named else _HERE.parent.parent / "shared" / "spec-testsuite"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "script_path" in metafunc.fixturenames:
        scripts = sorted(suite_folder().glob("*.wast"))
        if not scripts and not os.environ.get("CI"):
            reason = f"the official suite is not in {suite_folder()}: set ZENOWASM_SPEC_TESTSUITE"
            missing = pytest.param(None, marks=pytest.mark.skip(reason), id="suite")
            metafunc.parametrize("script_path", [missing])
        else:
            metafunc.parametrize("script_path", scripts or [None], ids=[it.stem for it in scripts] or ["suite"])
    if "backend" in metafunc.fixturenames:
        metafunc.parametrize("backend", BACKENDS)


@pytest.fixture(scope="session")
def suite() -> Path:
    return suite_folder()


@pytest.fixture(scope="session")
def expected_failures() -> Path:
    return _HERE / "expected_failures"
