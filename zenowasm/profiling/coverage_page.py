"""A self-contained page of the sources, or without them of the instructions, with how often each was executed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import Final

from zenowasm.display import visible, visible_lines
from zenowasm.profiling.coverage import FileCoverage, FunctionCoverage, LineCount, ModuleCoverage

_STYLE: Final = """
:root { color-scheme: light dark; --line: #d8dee4; --hit: #e6f4ea; --miss: #fdecea; --bar: #1a7f37; --dim: #57606a }
@media (prefers-color-scheme: dark) {
  :root { --line: #30363d; --hit: #12261a; --miss: #3a1618; --bar: #3fb950; --dim: #8b949e }
  body { color: #e6edf3; background: #0d1117 } a { color: #79c0ff }
}
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem }
h1 { font-size: 1.5rem } summary { cursor: pointer; padding: .3rem 0; font-weight: 600; overflow-wrap: anywhere }
details { border-top: 1px solid var(--line) } table { border-collapse: collapse }
th, td { text-align: left; padding: .1rem .7rem; overflow-wrap: anywhere }
td:has(meter) { white-space: nowrap }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; color: var(--dim) }
.code { width: 100%; font: 13px/1.45 ui-monospace, monospace } .code td { padding: 0 .7rem; vertical-align: top }
.code td:last-child { width: 100%; white-space: pre-wrap; tab-size: 4 }
.hit td:last-child { background: var(--hit) } .miss td:last-child { background: var(--miss) }
.mark { text-align: center; white-space: nowrap } meter { width: 8rem } .scroll { overflow-x: auto }
:target td { outline: 2px solid var(--bar) }
"""
_MOST_LINES: Final = 200_000
"""The maximum number of source lines on the page; the later files have only their totals."""
_MOST_INSTRUCTIONS: Final = 20_000
"""The maximum number of instructions on the page; the later functions have only their totals."""


def to_html(modules: Sequence[ModuleCoverage], title: str) -> Iterator[str]:
    """Yield the lines of the page. Links lead from each piece of code that was not executed to the next one."""
    shown = _shown(title)
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield f"<title>Coverage of {shown}</title><style>{_STYLE}</style><h1>Coverage of {shown}</h1>"
    left = _MOST_LINES
    for number, module in enumerate(modules):
        if module.problem is not None:
            yield f"<p>{_shown(module.problem)}.</p>"
        files = module.files
        yield from _files(files, number)
        for position, file in enumerate(files):
            texts = module.program.source.text(file.path)
            lines = max(file.lines, default=0) if texts is None else len(texts)
            left -= lines
            yield from _file(file, texts, f"{number}-{position}", is_open=len(files) == 1, is_whole=left >= 0)
        if not files:
            yield from _functions(module)


def _files(files: Sequence[FileCoverage], module: int) -> Iterator[str]:
    if not files:
        return
    yield '<div class="scroll"><table><tr><th>file<th class="n">lines<th>'
    yield '<th class="n">functions<th class="n">instructions'
    for position, file in enumerate(files):
        hit, lines = file.lines_hit, len(file.lines)
        yield f'<tr><td><a href="#f{module}-{position}">{_shown(file.path)}</a><td class="n">{hit} of {lines}'
        yield f'<td><meter max="{max(lines, 1)}" value="{hit}">{_percent(hit, lines)}</meter> {_percent(hit, lines)}'
        yield f'<td class="n">{file.functions_hit} of {len(file.functions)}<td class="n">{file.instructions:,}'
    yield "</table></div>"


def _file(
    file: FileCoverage, texts: Sequence[str] | None, name: str, *, is_open: bool, is_whole: bool
) -> Iterator[str]:
    percent = _percent(file.lines_hit, len(file.lines))
    # The anchor is inside, since a browser then opens the details when a link leads there.
    yield f'<details{" open" if is_open else ""}><summary>{_shown(file.path)} · {percent}</summary><p id="f{name}">'
    if texts is None:
        yield "The file cannot be read: name its folder with --source-map OLD=NEW."
    if is_whole:
        gaps = list(_gaps(file, texts))
        if gaps:
            yield f'<a href="#l{name}-{gaps[0]}">To the first line that was not executed.</a>'
        following = dict(pairwise(gaps))
        yield '<div class="scroll"><table class="code"><tr><th class="n">line<th class="n">count'
        yield '<th class="n">instructions<th><th>source'
        for number in sorted(file.lines) if texts is None else range(1, len(texts) + 1):
            text = "" if texts is None else texts[number - 1]
            mark = (
                f'<a href="#l{name}-{following[number]}" aria-label="to the next one">↓</a>'
                if number in following
                else ""
            )
            yield _line(number, file.lines.get(number), text, f"l{name}-{number}" if number in gaps else "", mark)
        yield "</table></div>"
    yield "</details>"


def _gaps(file: FileCoverage, texts: Sequence[str] | None) -> Iterator[int]:
    """Yield the first lines of pieces of code that were not executed."""
    before = True
    for number, line in sorted(file.lines.items()):
        if not line.count and before and (texts is None or number <= len(texts)):
            yield number
        before = line.count > 0


def _line(number: int, line: LineCount | None, text: str, anchor: str, mark: str) -> str:
    kind = "" if line is None else "hit" if line.count else "miss"
    numbers = "<td class='n'><td class='n'>"
    if line is not None:
        numbers = f'<td class="n">{line.count:,}<td class="n">{line.instructions:,}'
    sign = {"hit": "+", "miss": "−"}.get(kind, "")
    place = f' id="{anchor}"' if anchor else ""
    return (
        f'<tr class="{kind}"{place}><td class="n">{number}{numbers}<td class="mark">{sign}{mark}'
        f"<td>{escape(visible_lines(text))}"
    )


def _functions(module: ModuleCoverage) -> Iterator[str]:
    """Yield the functions with their instructions, those with most executed instructions first."""
    functions = sorted(module.functions, key=lambda it: -it.instructions)
    called = [it for it in functions if it.calls]
    yield f"<p>{len(called)} of {len(functions)} functions were called.</p>"
    left = _MOST_INSTRUCTIONS
    for function in called:
        left -= function.size
        yield from _function(module, function, is_whole=left >= 0)
    missed = [it.name for it in functions if not it.calls]
    if missed:
        yield f"<details><summary>Functions that were not called</summary><p>{_shown(', '.join(missed))}</p></details>"


def _function(module: ModuleCoverage, function: FunctionCoverage, *, is_whole: bool) -> Iterator[str]:
    calls = f"{function.calls:,} call{'' if function.calls == 1 else 's'}"
    title = f"{_shown(function.name)} · {calls}, {function.executed} of {function.size} instructions"
    title += f", {function.instructions:,} executed"
    if not is_whole:
        yield f"<p>{title}</p>"
        return
    yield f"<details><summary>{title}</summary>"
    yield '<div class="scroll"><table class="code"><tr><th class="n">byte<th class="n">count<th><th>instruction'
    for line, count in zip(module.program.function(function.index).lines, function.counts, strict=True):
        kind, sign = ("hit", "+") if count else ("miss", "−")
        yield f'<tr class="{kind}"><td class="n">0x{line.offset:x}<td class="n">{count:,}<td class="mark">{sign}'
        yield f"<td>{escape(visible(line.indented))}"
    yield "</table></div></details>"


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"


def _shown(text: str) -> str:
    return escape(visible(text))
