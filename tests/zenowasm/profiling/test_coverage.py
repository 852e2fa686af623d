"""Coverage of lines, functions and instructions; the tracefile is judged by another reader of lcov's."""

from __future__ import annotations

from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from lcov_cobertura import LcovCobertura
from support.debugged import SOURCES, divide, rust_at, stripped_c
from support.observed import exports_of

from zenowasm.interp.errors import Trap
from zenowasm.profiling import coverage_page
from zenowasm.profiling.counting import InstructionCounter
from zenowasm.profiling.coverage import FileCoverage, ModuleCoverage, coverage_of
from zenowasm.profiling.coverage_page import to_html
from zenowasm.profiling.coverage_text import to_text
from zenowasm.profiling.lcov import to_lcov


def covered(binary: Path, *calls: tuple[Any, ...], **options: Any) -> ModuleCoverage:
    counter = InstructionCounter()
    _, exports = exports_of(binary.read_bytes(), counter.attach)
    for export, *arguments in calls:
        with suppress(Trap):
            exports[export].call(*arguments)
    (module,) = coverage_of(counter, **options)
    return module


def file_of(module: ModuleCoverage, name: str) -> FileCoverage:
    return next(it for it in module.files if it.path.endswith(f"/{name}"))


def test_lines_that_ran_have_counts_and_others_do_not():
    file = file_of(covered(divide(), ("run", 5), ("run", 1)), "divide.c")
    # The second call of `run` divides by zero in its second `divide`.
    assert {number: it.count for number, it in file.lines.items()} == {1: 4, 2: 4, 4: 2, 5: 2, 6: 2}
    assert [(it.name, it.line.line, it.calls) for it in file.functions] == [("run", 4, 2), ("divide", 1, 4)]


def test_an_unused_function_is_not_covered():
    module = covered(divide(), ("_initialize",))
    missed = [it for it in module.functions if not it.calls]
    assert {it.name for it in missed} == {"run", "divide"}
    assert all(it.executed == 0 and it.size > 10 for it in missed)
    file = file_of(module, "divide.c")
    assert {number: it.count for number, it in file.lines.items()} == dict.fromkeys((1, 2, 4, 5, 6), 0)
    assert (file.lines_hit, file.functions_hit) == (0, 0)


def test_instructions_by_line_add_up_to_those_of_the_functions():
    module = covered(divide(), ("run", 5))
    lines = sum(it.instructions for it in module.files)
    functions = sum(it.instructions for it in module.functions if it.line is not None)
    # One instruction each of `__wasm_call_ctors`, and none else, has no line.
    assert functions - lines <= 3 and lines > 60


def test_rust_functions_have_readable_names_and_lines():
    module = covered(rust_at(0), ("run", 3))
    names = {it.name for it in file_of(module, "items.rs").functions}
    assert any("::" in name for name in names) and not any(name.startswith("_ZN") for name in names)


def test_another_reader_of_tracefiles_finds_the_same_numbers():
    module = covered(divide(), ("run", 5))
    text = "\n".join(to_lcov([module])) + "\n"
    found = LcovCobertura(text, str(SOURCES)).parse()
    assert found["summary"]["lines-total"] == sum(len(it.lines) for it in module.files)
    assert found["summary"]["lines-covered"] == sum(it.lines_hit for it in module.files)
    classes = [it for package in found["packages"].values() for it in package["classes"].values()]
    (divided,) = [it for it in classes if "run" in it["methods"]]
    assert {number: int(it["hits"]) for number, it in divided["lines"].items()} == {1: 2, 2: 2, 4: 1, 5: 1, 6: 1}
    assert divided["methods"] == {"run": ["4", "1"], "divide": ["1", "2"]}


def test_only_the_wanted_files_are_reported():
    module = covered(divide(), ("run", 5), wanted=lambda path: path.endswith("divide.c"))
    assert [it.path.rpartition("/")[2] for it in module.files] == ["divide.c"]


def test_only_functions_of_the_wanted_files_are_listed():
    module = covered(divide(), ("_initialize",), ("run", 5), wanted=lambda path: path.endswith("divide.c"))
    assert {it.name for it in module.wanted_functions} == {"run", "divide"}
    assert list(to_text([module], 9))[-1].split()[:3] == ["69", "86.2%", "53/55"]


def test_the_page_has_a_limited_number_of_instructions(monkeypatch):
    module = covered(stripped_c(), ("run", 3))
    whole = "\n".join(to_html([module], "whole"))
    monkeypatch.setattr(coverage_page, "_MOST_INSTRUCTIONS", 100)
    cut = "\n".join(to_html([module], "cut"))
    assert Tags(cut).rows.count("hit") < 100 < Tags(whole).rows.count("hit")
    assert cut.count(" instructions, ") == whole.count(" instructions, ")


def test_sources_are_found_elsewhere(tmp_path):
    (tmp_path / "divide.c").write_text("moved\n")
    module = covered(divide(), ("run", 5), source_maps={str(SOURCES): str(tmp_path)})
    assert f"SF:{tmp_path}/divide.c" in list(to_lcov([module]))


def test_the_text_has_files_lines_and_functions():
    lines = list(to_text([covered(divide(), ("run", 5), wanted=lambda path: path.endswith("divide.c"))], top=2))
    assert lines[1].split()[:4] == ["5/5", "100.0%", "2/2", "69"]
    assert lines[2].endswith(" total")
    assert any(line.endswith("divide.c:2  return a / b;") for line in to_text([covered(divide(), ("run", 5))], 9))
    assert [line.split("  ")[-1] for line in lines if " at divide.c:" in line] == [
        "run at divide.c:4 in guest",
        "divide at divide.c:1 in guest",
    ]


def test_without_debugging_information_there_are_functions_and_one_sentence():
    module = covered(stripped_c(), ("run", 3))
    text = list(to_text([module], top=3))
    assert text[0] == (
        "note: the source lines of guest are unknown: it has no debugging information: "
        "build it with -g, or with `plugin build --debug`"
    )
    assert text[1].split() == ["instructions", "share", "calls", "executed", "function"]
    assert list(to_lcov([module])) == []
    page = "\n".join(to_html([module], "stripped"))
    assert page.count("it has no debugging information") == 1
    assert "local.get" in page


class Tags(HTMLParser):
    """Collects the rows of a page and what it refers to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.rows: list[str] = []
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        if tag == "tr" and given.get("class"):
            self.rows.append(str(given["class"]))
        self.anchors.add(str(given.get("id")))
        self.links.add(str(given.get("href")))
        assert not {"src", "onclick", "onload"} & given.keys()


def test_the_page_is_self_contained_and_marks_each_line():
    module = covered(divide(), ("run", 2), ("_initialize",))
    page = "\n".join(to_html([module], "<script>records"))
    tags = Tags(page)
    assert not {"script", "link", "img", "iframe"} & set(tags.tags)
    assert tags.rows.count("hit") == sum(it.lines_hit for it in module.files) > 5
    assert tags.rows.count("miss") == sum(len(it.lines) - it.lines_hit for it in module.files) > 0
    assert {link.removeprefix("#") for link in tags.links - {"None"}} <= tags.anchors
    assert any(link.startswith("#l") for link in tags.links)
    assert "prefers-color-scheme: dark" in page and "http" not in page.replace("http-equiv", "")


def test_a_source_that_cannot_be_read_leaves_the_numbers(tmp_path):
    module = covered(divide(), ("run", 5), source_maps={str(SOURCES): str(tmp_path)})
    page = "\n".join(to_html([module], "divide"))
    assert "The file cannot be read: name its folder with --source-map OLD=NEW." in page
    assert Tags(page).rows.count("hit") >= 5
