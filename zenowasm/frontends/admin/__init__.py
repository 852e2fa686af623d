"""A running host over HTTP: which plugins it has, reloading them, calling their slots (ABI document, "Lifecycle")."""
