"""Charts by pygal (extra ``bench``): SVG without scripts, in which tooltips show the figures."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any


def is_installed() -> bool:
    """Return whether pygal is installed, without importing it."""
    return find_spec("pygal") is not None


def load_pygal() -> Any:
    """Import pygal without its import hook, because of which Python warns at every later import."""
    import pygal

    sys.meta_path[:] = [it for it in sys.meta_path if type(it).__name__ != "PluginImportFixer"]
    return pygal


def render(chart: Any) -> str:
    """Return a chart as SVG."""
    chart.add_xml_filter(_without_scripts)
    return str(chart.render(is_unicode=True))


def _without_scripts(root: Any) -> Any:
    """Remove pygal's tooltip scripts, which nothing runs here."""
    for parent in list(root.iter()):
        for script in [it for it in parent if str(it.tag).endswith("script")]:
            parent.remove(script)
    return root
