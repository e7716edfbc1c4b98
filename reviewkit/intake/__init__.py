"""The intake: a small service that takes record events and submissions, and gives a receipt only for what is on disk."""
