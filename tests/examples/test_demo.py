"""The demo of the README: it ends well only where the engines agree, on fuel too."""

from __future__ import annotations

import subprocess
import sys

from support.toolchains import ROOT


def test_the_demo_agrees():
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py")], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Hello, World!" in done.stdout
