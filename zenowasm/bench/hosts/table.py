"""All plugin hosts that can be measured, in the order of the reports."""

from __future__ import annotations

from typing import Final

from zenowasm.backends import registry
from zenowasm.bench.hosts.extism import Extism
from zenowasm.bench.hosts.ours import OurHost
from zenowasm.bench.hosts.protocol import PluginHost

PEERS: Final = (
    Extism("extism", "extism_greet", bare=False),
    Extism("extism-bare", "extism_bare", bare=True),
)
HOSTS: Final[tuple[PluginHost, ...]] = (*(OurHost(name) for name in registry.names()), *PEERS)
