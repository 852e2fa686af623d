"""A plugin's log is bounded by message and by call."""

from __future__ import annotations

import logging

from zenowasm.plugin.configuration.limits import PluginLimits
from zenowasm.plugin.observing.log import PluginLog
from zenowasm.plugin.services import LogRecord, log_to_logging


def make(**limits):
    records: list[LogRecord] = []
    return PluginLog("p", records.append, PluginLimits(**limits)), records


def test_levels_and_bytes():
    log, records = make()
    for level in ("debug", "info", "warn", "error", "fatal", ""):
        log.write(level, b"m\xff")
    assert [record.level for record in records] == ["debug", "info", "warn", "error", "info", "info"]
    assert records[0] == LogRecord("p", "debug", "m\\xff")


def test_a_long_message_is_cut():
    log, records = make(log_message_bytes=4)
    log.write("info", b"abcdefg")
    log.write("info", b"abcd", cut=10)
    assert [record.message for record in records] == ["abcd… (3 bytes cut)", "abcd… (10 bytes cut)"]


def test_a_call_has_an_allowance():
    log, records = make(log_bytes=10)
    for _ in range(100):
        log.write("info", b"abc")
    assert [record.message for record in records] == [
        "abc",
        "abc",
        "log output of this call exceeds 10 bytes, the rest is dropped; "
        "to raise it, set wasm.limits.max_log in config/plugins.yaml",
    ]
    assert records[-1].level == "warn"
    log.begin_call()
    log.write("info", b"again")
    assert records[-1].message == "again"


def test_empty_messages_count_too():
    log, records = make(log_bytes=10)
    for _ in range(100):
        log.write("info", b"")
    assert len(records) == 10


def test_the_default_sink_is_logging(caplog):
    with caplog.at_level(logging.DEBUG, "zenowasm.plugin"):
        log_to_logging(LogRecord("p", "warn", "careful 100%"))
    assert caplog.record_tuples == [("zenowasm.plugin", logging.WARNING, "[p] careful 100%")]


def test_a_message_is_one_line_of_logging(caplog):
    with caplog.at_level(logging.DEBUG, "zenowasm.plugin"):
        log_to_logging(LogRecord("p", "info", "said\nERROR:zenowasm.plugin:[q] forged\x1b[2J"))
    assert [record.getMessage() for record in caplog.records] == [r"[p] said\nERROR:zenowasm.plugin:[q] forged\x1b[2J"]
