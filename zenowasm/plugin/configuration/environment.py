"""The host's environment: the process environment, and ``.env``, which never overrides variables that are set.

Source: the ABI document, section "Lifecycle".
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import field, frozen

from zenowasm.cache import CACHE_DIR
from zenowasm.plugin.configuration.files import read_bounded
from zenowasm.plugin.errors import PluginError

ENABLED: Final = "ZENO_PLUGINS_ENABLED"
PLUGIN_DIR: Final = "ZENO_PLUGIN_DIR"
DEFAULT_PLUGIN_DIR: Final = "./plugins"
FILE_NAME: Final = ".env"
MAX_BYTES: Final = 1 << 20


class DotenvError(PluginError):
    """The ``.env`` file exists but cannot be read."""


@frozen
class HostEnvironment:
    """The variables that configure the host and that permitted plugins may read."""

    variables: Mapping[str, str] = field(repr=False)

    @property
    def says_enabled(self) -> bool:
        """Whether ``ZENO_PLUGINS_ENABLED`` is set and not empty."""
        return bool(self.variables.get(ENABLED))

    @property
    def says_plugin_dir(self) -> bool:
        """Whether ``ZENO_PLUGIN_DIR`` is set and not empty."""
        return bool(self.variables.get(PLUGIN_DIR))

    @property
    def plugins_enabled(self) -> bool:
        """Whether ``ZENO_PLUGINS_ENABLED`` is ``true`` or ``1``."""
        return self.variables.get(ENABLED) in ("true", "1")

    @property
    def plugin_dir(self) -> Path:
        """``ZENO_PLUGIN_DIR``, or ``./plugins`` if it is unset or empty."""
        return Path(self.variables.get(PLUGIN_DIR) or DEFAULT_PLUGIN_DIR)


def load_environment(folder: Path | None = None, process: Mapping[str, str] | None = None) -> HostEnvironment:
    """Return the process environment together with the variables of ``.env`` in ``folder`` that are not set yet.

    ``.env`` cannot set ``ZENO_CACHE_DIR``: an unpacked folder must not provide native code to run. ``process``
    overrides the process environment, which is never changed. Raises ``DotenvError`` if the file exists but is
    unreadable, larger than 1 MiB, or not UTF-8.
    """
    variables = dict(os.environ if process is None else process)
    file = (Path() if folder is None else folder) / FILE_NAME
    try:
        text = read_bounded(file, MAX_BYTES).decode()
    except FileNotFoundError:
        return HostEnvironment(variables)
    except OSError as error:
        raise DotenvError(f"failed to read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DotenvError(f"failed to read {file}: not UTF-8 at byte {error.start}") from error
    from dotenv import dotenv_values  # most folders have no such file

    # No interpolation: values are literal, as in the original, and never include variables of the process.
    for key, value in dotenv_values(stream=io.StringIO(text), interpolate=False).items():
        if value is not None and key != CACHE_DIR:
            variables.setdefault(key, value)
    return HostEnvironment(variables)
