"""Sidecars, plugins that are native processes: JSON lines on stdin and stdout (ABI document, "Lifecycle")."""
