"""Charts by pygal (extra ``bench``): SVG without scripts, in which titles of the parts tell their figures."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any


def is_installed() -> bool:
    """Return whether pygal is installed; it is not imported."""
    return find_spec("pygal") is not None


def load_pygal() -> Any:
    """Import pygal without its import hook, which Python warns of at every later import of anything."""
    import pygal

    sys.meta_path[:] = [it for it in sys.meta_path if type(it).__name__ != "PluginImportFixer"]
    return pygal


def render(chart: Any) -> str:
    """Return a chart as SVG."""
    chart.add_xml_filter(_without_scripts)
    return str(chart.render(is_unicode=True))


def _without_scripts(root: Any) -> Any:
    """Drop what pygal adds for its tooltips: nothing here runs it."""
    for parent in list(root.iter()):
        for script in [it for it in parent if str(it.tag).endswith("script")]:
            parent.remove(script)
    return root
