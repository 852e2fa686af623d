"""Plugins that are native processes beside the host: JSON lines on stdin and stdout (ABI document, "Lifecycle")."""
