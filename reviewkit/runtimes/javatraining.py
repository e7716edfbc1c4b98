"""Runs a guest of ours through a sample's work as an ordinary process, and lets it end by itself, at which Java writes an archive."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from typing import IO, Any, Final

from reviewkit.sandbox.inner import codec

CALLS: Final[dict[str, tuple[tuple[str, dict[str, Any]], ...]]] = {
    "plain": (("sums", {"units": [1, 2, 300], "price": 2}), ("world", {}), ("fails", {})),
    "spring": (("requests", {}), ("world", {})),
}
"""By the name of a sample: what its driver is asked for."""
TRAINING_SECONDS: Final = 120.0
"""Of one answer, and of writing the archive; the whole takes 2 to 6 on a machine that has nothing else to do."""
_FAILS: Final = "fails"
"""A method that is to fail, since guests have code that does."""
_ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "http": {"outcome": "answer", "status": 200, "headers": {}, "body": b"{}"},
    "db.connect": {"connection": 1},
    "db.execute": {"columns": ["n"], "rows": [[1]], "rowcount": 1},
}


class TrainingError(Exception):
    """The guest could not do what the sample asks for."""


def train(command: list[str], tree: Path, sample: str) -> None:
    """Have a guest compile, load and use a sample.

    Args:
        command: Of the guest, without its last arguments.
        tree: A copy of the sample.
        sample: Its name.

    Raises:
        TrainingError: If it fails at it.
        OSError: If it cannot be started or does not answer in time.
        subprocess.TimeoutExpired: If it does not end.
    """
    ours, theirs = socket.socketpair()
    with ours, ours.makefile("rb") as stream:
        with theirs:
            quiet = {name: value for name, value in os.environ.items() if "JAVA" not in name and "JDK" not in name}
            process = subprocess.Popen(
                [*command, str(theirs.fileno()), str(tree)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
                pass_fds=(theirs.fileno(),), env={**quiet, "TZ": "UTC"},
            )  # fmt: skip
        try:
            ours.settimeout(TRAINING_SECONDS)
            _work(ours, stream, (tree / "Driver.java").read_text("utf-8"), CALLS[sample])
            ours.shutdown(socket.SHUT_WR)
            process.wait(TRAINING_SECONDS)
        except codec.ProtocolError as error:
            raise TrainingError(str(error)) from None
        finally:
            process.kill()
            process.wait()


def _work(wire: socket.socket, stream: IO[bytes], driver: str, calls: tuple[tuple[str, dict[str, Any]], ...]) -> None:
    source = {"driver": driver, "driver_name": "Driver.java"}
    packed = _asked(wire, stream, "compile", source)
    _asked(wire, stream, "load", {**source, "modules": [], "classes": packed})
    for name, keywords in calls:
        _asked(wire, stream, "call", {"name": name, "kwargs": keywords}, may_fail=name == _FAILS)
    _asked(wire, stream, "close", {})


def _asked(wire: socket.socket, stream: IO[bytes], op: str, payload: dict[str, Any], *, may_fail: bool = False) -> Any:
    wire.sendall(codec.encode(["do", 1, op, payload], codec.MAX_TO_GUEST))
    while True:
        length = codec.frame_length(stream.read(codec.HEADER), codec.MAX_FROM_GUEST)
        kind, number, *rest = codec.decode(stream.read(length))
        if kind == "ask":
            wire.sendall(codec.encode(["answer", number, _ANSWERS.get(rest[0], {})], codec.MAX_TO_GUEST))
        elif kind == "done":
            if "error" in rest[0] and not may_fail:
                raise TrainingError(f"{op}: {rest[0]['error']}: {rest[0]['message']}")
            return rest[0].get("value")
