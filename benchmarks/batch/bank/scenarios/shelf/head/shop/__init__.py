"""A warehouse."""
