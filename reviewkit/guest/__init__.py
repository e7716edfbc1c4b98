"""The guest side of the harness: runs code under review and reaches the world only through a channel.

This package imports nothing of the rest of reviewkit, so that a sandbox can hold it alone.
"""
