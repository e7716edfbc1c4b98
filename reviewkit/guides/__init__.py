"""The interviewer's notebook of a scenario, generated from its rubric. It holds the key: hiring side only."""
