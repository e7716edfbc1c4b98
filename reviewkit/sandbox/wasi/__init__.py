"""Level `wasi`: a guest is CPython compiled to WebAssembly, in a process of its own that has nothing to give it but one wire."""
