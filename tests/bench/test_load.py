import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench"


def test_every_engine_is_measured_by_turns():
    command = [sys.executable, str(BENCH / "load.py"), "--rounds", "1", "--seconds", "0.1", "--threads", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines() if line.strip().startswith(("reference", "wasmtime"))]
    assert [row[:2] for row in rows] == [["reference", "2"], ["wasmtime", "2"]]
    assert all(float(row[2].replace(",", "")) > 0 for row in rows)
