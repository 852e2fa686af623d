"""HTTP administration of a running host: list plugins, reload them, call slots (ABI document, "Lifecycle")."""
