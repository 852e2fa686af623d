"""Observing plugins: logs, the audit log, counters and spans; and the redaction of secrets."""
