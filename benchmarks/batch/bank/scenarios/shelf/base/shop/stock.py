"""Books units out of the warehouse."""
