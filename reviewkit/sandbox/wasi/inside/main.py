"""A guest's program, in CPython for WASI: `main` with a SPEC in JSON as first argument: `seed`, `left_out` (names)."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import random
import sys
from pathlib import Path

from reviewkit.guest.runner import Runner
from reviewkit.sandbox.inner.member import Member
from reviewkit.sandbox.wasi.inside.lacking import Lacking
from reviewkit.sandbox.wasi.inside.pipe import PipeChannel, PipeLoop

THRESHOLDS = (20_000, 50, 100)
"""A guest is short-lived: it collects garbage more seldom than a process that is to last."""


def main() -> None:
    """Answer until the parent goes."""
    spec = json.loads(sys.argv[1])
    random.seed(spec["seed"])
    gc.set_threshold(*THRESHOLDS)
    _keep_the_wire_clean()
    channel = PipeChannel()
    lacking = Lacking(lambda part: channel.send(["lacks", 0, part]), spec["left_out"])
    loop = PipeLoop(channel, lacking.note)
    asyncio.set_event_loop(loop)
    loop.set_exception_handler(lambda _loop, _context: None)  # the guest's stray tasks are its own affair
    member = Member(channel, Runner(channel, fresh=True), loop, Path("/tree"))
    channel.listen(member.start)
    lacking.install()
    loop.run_forever()


def _keep_the_wire_clean() -> None:
    """What the tree prints goes nowhere, what it reads is empty: the descriptors are the wire, but for standard error, which nobody reads."""
    sys.stdout = sys.__stdout__ = sys.stderr  # type: ignore[misc, assignment]
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BytesIO())  # type: ignore[misc]
