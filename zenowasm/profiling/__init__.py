"""What a run executed: coverage, counts, profiles and timelines of guests on an engine that can step."""
