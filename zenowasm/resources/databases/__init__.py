"""Named database connections to SQLite and PostgreSQL, with bound parameters and with limits on results and times."""
