"""The process around one guest: `python machine.py SPEC` loads the compiled interpreter, gives it what SPEC names, runs it.

Started by a clean exec, so its memory holds no key. Standard input and output are the wire; the guest gets them and nothing
else that leads out: no socket, no environment of ours, folders to read only. SPEC is JSON: `module`, `sha256`, `library`
(folder of wasmtime), `argv`, `preopens` (`[folder, name, writable]`), `fuel`, `memory` in bytes, `user` (a number to change
to, for root, or null) and `quiet` (no first byte on the wire).
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import select
import signal
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

OUT_OF_FUEL, OUT_OF_MEMORY, TRAPPED, LEFT, NOT_STARTED = 71, 72, 73, 74, 75
"""Exit statuses, all said by this process: the guest cannot leave it, and its own status is not passed on."""
LOCKED, FAILED = b"\x01", b"\x00"
CPU_SECONDS, LIFE_SECONDS = 120, 300
"""Behind the fuel: a guest in the middle of a call to its host uses none."""
STACK_BYTES = 1536 * 1024
_ALMOST = 0.9


def configuration(library: Any) -> Any:
    """How guests are compiled; a module that was compiled another way does not load.

    Args:
        library: The module `wasmtime`.
    """
    config = library.Config()
    config.consume_fuel = True
    config.max_wasm_stack = STACK_BYTES
    config.wasm_threads = False
    return config


def main(text: str) -> NoReturn:
    """Run a guest, and end with what became of it."""
    try:
        spec = json.loads(text)
        run = _ready(spec)
        _limit()
        if spec["user"] is not None:
            _change_user(spec["user"])
    except Exception as error:  # told to the parent, which tells a person
        _say(FAILED + f"{type(error).__name__}: {error}".encode()[:180])
        os._exit(NOT_STARTED)
    if not spec["quiet"]:
        _say(LOCKED)
    os._exit(run())


def _ready(spec: dict[str, Any]) -> Any:
    """Everything that needs files, before the user changes."""
    sys.path.append(spec["library"])
    import wasmtime

    data = Path(spec["module"]).read_bytes()
    if hashlib.sha256(data).hexdigest() != spec["sha256"]:
        raise ValueError("the compiled interpreter is not the one that was made here")
    engine = wasmtime.Engine(configuration(wasmtime))
    module = wasmtime.Module.deserialize(engine, data)
    store = wasmtime.Store(engine)
    store.set_fuel(spec["fuel"])
    store.set_limits(memory_size=spec["memory"], table_elements=100_000, instances=1, tables=4, memories=1)
    wasi = wasmtime.WasiConfig()
    wasi.argv = spec["argv"]
    wasi.env = [("PYTHONHASHSEED", "0"), ("TZ", "UTC")]
    wasi.inherit_stdin()
    wasi.inherit_stdout()
    for folder, name, writable in spec["preopens"]:
        wasi.preopen_dir(folder, name, writable)
    store.set_wasi(wasi)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    instance = linker.instantiate(store, module)

    def run() -> int:
        exports = instance.exports(store)
        try:
            exports["_start"](store)
        except wasmtime.ExitTrap:
            return LEFT
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            if getattr(error, "trap_code", None) == wasmtime.TrapCode.OUT_OF_FUEL or store.get_fuel() == 0:
                return OUT_OF_FUEL
            held = exports["memory"].data_len(store)
            return OUT_OF_MEMORY if held >= spec["memory"] * _ALMOST else TRAPPED
        return LEFT

    return run


def _limit() -> None:
    """Limits of this process, and its end with the parent's."""
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_NOFILE, 256),
    ):
        ceiling = resource.getrlimit(kind)[1]
        most = most if ceiling == resource.RLIM_INFINITY else min(most, ceiling)
        resource.setrlimit(kind, (most, most))
    signal.alarm(LIFE_SECONDS)  # nobody handles it: the process ends
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    watch = select.poll()
    watch.register(1, 0)  # the far end closed is told without being asked for
    watch.poll()
    os._exit(LEFT)


def _change_user(user: int) -> None:
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)


def _say(data: bytes) -> None:
    os.write(1, data)


if __name__ == "__main__":
    main(sys.argv[1])
