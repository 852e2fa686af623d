"""What can be seen of plugins: logs, the audit log, counters, spans; and what must not be seen."""
