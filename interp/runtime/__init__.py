"""Run-time structure: values, memories, tables, globals, instances and the store (specification, 4.2)."""
