"""Tools that look at modules and change them: each makes a report, as data, of a module or its bytes."""
