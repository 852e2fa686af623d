"""The report that continuous integration servers read: JUnit's XML, one test case per command."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from zenowasm.spec.runner import Outcome, ScriptResult, Status
from zenowasm.spec.summary import SuiteResult, counts_of

# XML 1.0 has no way to write these, and the suite's names and messages hold some of them.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(suites: Sequence[SuiteResult]) -> bytes:
    """Return the document, in UTF-8."""
    root = Xml.Element("testsuites", name="WebAssembly")
    for suite in suites:
        for script in suite.scripts:
            root.append(_suite(suite.backend, script))
    Xml.indent(root)
    document: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _suite(backend: str, script: ScriptResult) -> Xml.Element:
    counts = counts_of(script)
    element = Xml.Element(
        "testsuite",
        name=f"{backend}: {script.path.name}",
        tests=str(counts.total),
        failures=str(counts.failed),
        skipped=str(counts.skipped),
        errors="0",
        time=f"{script.seconds:.3f}",
    )
    classname = f"{backend}.{script.path.stem}"
    element.extend(_case(classname, script, it) for it in script.outcomes)
    return element


def _case(classname: str, script: ScriptResult, outcome: Outcome) -> Xml.Element:
    element = Xml.Element(
        "testcase",
        classname=classname,
        name=f"line {outcome.line}: {outcome.command}",
        file=str(script.path),
        line=str(outcome.line),
    )
    reason = _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", outcome.reason)
    if outcome.status is Status.FAIL:
        Xml.SubElement(element, "failure", message=reason)
    elif outcome.status is Status.SKIP:
        Xml.SubElement(element, "skipped", message=reason)
    return element
