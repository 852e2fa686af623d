"""The engines that are measured, one small class each."""
