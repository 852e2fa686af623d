"""The measured plugin hosts; each calls the same greeting slot."""
