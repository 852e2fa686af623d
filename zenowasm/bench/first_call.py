"""Calls a slot once and prints the reply: ``python -m zenowasm.bench.first_call HOST FOLDER``."""

from __future__ import annotations

import sys


def main(host: str, folder: str) -> None:
    """Call the greeting slot on one of our engines, or on Extism."""
    if host.startswith("extism"):
        from contextlib import ExitStack

        from zenowasm.bench.hosts.table import PEERS

        with ExitStack() as stack:
            print(next(it for it in PEERS if it.label == host).open(stack)()("World"), flush=True)
        return
    from zenowasm import Host

    with Host(folder, backend=host, log=lambda record: None) as opened:
        print(opened.call("hello.greet", name="World")["message"], flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
