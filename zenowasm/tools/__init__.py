"""Tools that inspect and change modules; each one returns its report as data."""
