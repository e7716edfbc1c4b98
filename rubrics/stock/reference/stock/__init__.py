"""Units on the shelves of every location."""
