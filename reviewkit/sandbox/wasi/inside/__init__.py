"""The guest's side of level `wasi`: runs in CPython for WASI, one thread, no sockets, nothing to write to."""
