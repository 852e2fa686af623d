"""The measured engines, one small class each."""
