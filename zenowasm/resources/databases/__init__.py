"""Named database connections to SQLite files and PostgreSQL: bound parameters only, all results and times bounded."""
