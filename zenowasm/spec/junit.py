"""The report for continuous integration servers: JUnit XML, one test case per command."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from zenowasm.display import visible
from zenowasm.spec.runner import Outcome, ScriptResult, Status
from zenowasm.spec.summary import SuiteResult, counts_of


def to_junit(suites: Sequence[SuiteResult], name: str = "WebAssembly") -> bytes:
    """Return the document in UTF-8; characters that XML 1.0 cannot contain, such as in some test names, are escaped."""
    root = Xml.Element("testsuites", name=name)
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
        name=visible(f"{backend}: {script.path.name}"),
        tests=str(counts.total + counts.unreadable),
        failures=str(counts.failed),
        skipped=str(counts.skipped),
        errors=str(counts.unreadable),
        time=f"{script.seconds:.3f}",
    )
    classname = visible(f"{backend}.{script.path.stem}")
    element.extend(_case(classname, script, it) for it in script.outcomes)
    return element


def _case(classname: str, script: ScriptResult, outcome: Outcome) -> Xml.Element:
    element = Xml.Element(
        "testcase",
        classname=classname,
        name=visible(f"line {outcome.line}: {outcome.command}"),
        file=visible(str(script.path)),
        line=str(outcome.line),
    )
    reason = visible(outcome.reason)
    if outcome.status is Status.FAIL:
        Xml.SubElement(element, "failure", message=reason)
    elif outcome.status is Status.UNREADABLE:
        Xml.SubElement(element, "error", message=reason)
    elif outcome.status is Status.SKIP:
        Xml.SubElement(element, "skipped", message=reason)
    return element
