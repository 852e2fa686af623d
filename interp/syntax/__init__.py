"""The abstract syntax (specification, chapter 2) as frozen values that decoder, validator and runtime share."""
