"""What helps to test plugins with pytest: the fixtures of ``pytest_plugin``, and what they hand out.

pytest finds the fixtures by itself where zenowasm is installed; nothing here is imported before a test asks for it.
"""
