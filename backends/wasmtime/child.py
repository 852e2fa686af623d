"""The program that compiles one module in a separate process; it imports as little as possible.

It reads the binary from standard input, and writes either the serialized module or an error message to standard output.
The exit code says which. ``compiler`` starts it, and imports it only for the exit codes.
"""

import json
import signal
import sys

COMPILED = 0
REFUSED = 3
OUT_OF_MEMORY = 4
ABORTED = -signal.SIGABRT
"""The exit code of a process that wasmtime aborts because it cannot allocate memory."""
OUT_OF_TIME = -signal.SIGXCPU


def main(task: str) -> int:
    """Compile the binary on standard input; return the exit code."""
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
    """Limit this process's further use of resources: seconds of CPU time and, on Linux, bytes of memory."""
    import resource

    if sys.platform == "linux":
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
