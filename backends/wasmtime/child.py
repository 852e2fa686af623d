"""The process that compiles one module: a program of its own, which imports as little as it can.

It reads the binary from its standard input and writes the serialized module, or the message of an error, to its
standard output. Its exit code says which. It is started by ``compiler``, which imports it only for the exit codes.
"""

import json
import signal
import sys

COMPILED = 0
REFUSED = 3
OUT_OF_MEMORY = 4
ABORTED = -signal.SIGABRT
"""wasmtime ends a process that cannot allocate."""
OUT_OF_TIME = -signal.SIGXCPU


def main(task: str) -> int:
    """Compile what comes in; return the exit code."""
    asked = json.loads(task)
    sys.path.insert(0, asked["packages"])
    import wasmtime

    config = wasmtime.Config()
    for name, value in asked["settings"].items():
        setattr(config, name, value)
    engine = wasmtime.Engine(config)
    try:
        _limit(asked["memory"], asked["cpu"])
        module = wasmtime.Module(engine, sys.stdin.buffer.read())
        result, code = bytes(module.serialize()), COMPILED
    except wasmtime.WasmtimeError as error:
        result, code = str(error).encode(), REFUSED
    except MemoryError:
        return OUT_OF_MEMORY
    sys.stdout.buffer.write(result)
    sys.stdout.buffer.flush()
    return code


def _limit(memory: int, cpu: int) -> None:
    """Bound what this process may still use: seconds of CPU time and, where the system can, bytes of memory."""
    import resource

    if sys.platform == "linux":
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
