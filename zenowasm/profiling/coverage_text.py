"""The coverage of a run as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zenowasm.profiling.coverage import ModuleCoverage


def to_text(modules: Sequence[ModuleCoverage], top: int) -> Iterator[str]:
    """Yield the totals of each file, then the ``top`` lines and functions with the most executed instructions."""
    if not modules:
        yield "note: no function of a guest was called"
        return
    for module in modules:
        if module.problem is not None:
            yield f"note: {module.problem}"
    whole = sum(function.instructions for module in modules for function in module.functions)
    yield from _files(modules)
    yield from _lines(modules, top, whole)
    yield from _functions(modules, top, whole)


def _files(modules: Sequence[ModuleCoverage]) -> Iterator[str]:
    files = [file for module in modules for file in module.files]
    if not files:
        return
    yield f"{'lines':>13} {'':>6} {'functions':>11} {'instructions':>14}  file"
    for file in files:
        functions = (file.functions_hit, len(file.functions))
        yield _file_row((file.lines_hit, len(file.lines)), functions, file.instructions, file.path)
    lines = (sum(it.lines_hit for it in files), sum(len(it.lines) for it in files))
    functions = (sum(it.functions_hit for it in files), sum(len(it.functions) for it in files))
    yield _file_row(lines, functions, sum(it.instructions for it in files), "total")
    yield ""


def _file_row(lines: tuple[int, int], functions: tuple[int, int], instructions: int, name: str) -> str:
    return f"{_of(*lines):>13} {_share(*lines)} {_of(*functions):>11} {instructions:>14,}  {name}"


def _lines(modules: Sequence[ModuleCoverage], top: int, whole: int) -> Iterator[str]:
    found = [
        (line.instructions, line.count, file.path, number, module.program.source.text(file.path))
        for module in modules
        for file in module.files
        for number, line in file.lines.items()
        if line.instructions
    ]
    found.sort(key=lambda it: (-it[0], it[2], it[3]))
    if not found:
        return
    yield f"{'instructions':>13} {'share':>6} {'count':>11}  line"
    for instructions, count, path, number, texts in found[:top]:
        text = texts[number - 1].strip() if texts and number <= len(texts) else ""
        place = f"{path.rpartition('/')[2]}:{number}"
        yield f"{instructions:>13,} {_share(instructions, whole)} {count:>11,}  {place}  {text}".rstrip()
    yield ""


def _functions(modules: Sequence[ModuleCoverage], top: int, whole: int) -> Iterator[str]:
    functions = [(function, module.owner) for module in modules for function in module.wanted_functions]
    functions.sort(key=lambda it: -it[0].instructions)
    called = sum(it.calls > 0 for it, _ in functions)
    yield f"{'instructions':>13} {'share':>6} {'calls':>11} {'executed':>13}  function"
    for function, owner in functions[: min(top, called)]:
        at = f" at {function.line}" if function.line is not None else ""
        yield (
            f"{function.instructions:>13,} {_share(function.instructions, whole)} {function.calls:>11,} "
            f"{_of(function.executed, function.size):>13}  {function.name}{at} in {owner}"
        )
    executed, size = sum(it.executed for it, _ in functions), sum(it.size for it, _ in functions)
    instructions, total = sum(it.instructions for it, _ in functions), f"{called} of {len(functions)} functions called"
    yield f"{instructions:>13,} {_share(instructions, whole)} {'':>11} {_of(executed, size):>13}  total; {total}"


def _of(part: int, whole: int) -> str:
    return f"{part}/{whole}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole if whole else 0:>6.1%}"
