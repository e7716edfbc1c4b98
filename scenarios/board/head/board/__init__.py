"""Boards: tasks that several people work on together."""
