"""The example notebooks, executed by Jupyter's own client in a fresh kernel."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "examples/notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def notebooks(request):
    """A notebook as it is kept, and as it is when it has been executed."""
    kept, executed = (nbformat.read(request.param, as_version=4) for _ in range(2))
    for cell in executed.cells:
        cell.pop("outputs", None)
        if cell.cell_type == "code":
            cell.outputs = []
    NotebookClient(executed, timeout=120, resources={"metadata": {"path": request.param.parent}}).execute()
    return kept, executed


def shown(notebook) -> list[object]:
    """Return what the cells show, without what differs from one machine to the next: pictures."""
    found: list[object] = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            found.append(output.get("text") or {kind: text for kind, text in data.items() if kind != "image/png"})
    return found


def test_a_notebook_shows_what_it_is_kept_with(notebooks) -> None:
    kept, executed = notebooks
    assert shown(executed) == shown(kept)


def test_a_notebook_plots_a_memory(notebooks) -> None:
    pictures = [
        it.data["image/png"]
        for cell in notebooks[1].cells
        for it in cell.get("outputs", [])
        if "data" in it and "image/png" in it.data
    ]
    assert len(pictures) == 1


def test_steps_of_the_notebook_are_the_orbit_that_python_computes(notebooks) -> None:
    point = constant = 0.5 + 0.5j
    orbit = []
    while not orbit or abs(complex(*orbit[-1])) <= 2:
        orbit.append((round(point.real, 4), round(point.imag, 4)))
        point = point * point + constant
    text = next(it.text for cell in notebooks[1].cells if "orbit" in cell.source for it in cell.get("outputs", []))
    assert text == f"{orbit}\n{len(orbit)}\n"
