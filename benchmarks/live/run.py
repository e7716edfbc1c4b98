"""How long an event takes from the candidate's side to the interviewer's screen, with many sessions at once.

One intake, one process with a cockpit and its widgets per session, as interviewers have them, and candidates whose findings,
probes and answers arrive one after another. Measured from the moment at which the intake is sent an event until the widgets of
its cockpit hold what it changed. The browser's drawing is not included.

    python benchmarks/live/run.py [--sessions 20] [--events 20] [--pause 3]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
SLUG = "ledger"
MOST_SECONDS = 1.0
"""The goal for 95 of 100 events."""
READY = "ready"


def cockpit(address: str, number: int, out: Path) -> None:
    """One interviewer: prints a line for each event that its widgets show, with the time."""
    from made_intake import invite

    from reviewkit.bank import find_bank
    from reviewkit.live.cockpit import Cockpit
    from reviewkit.live.cockpit_widget import CockpitWidget
    from reviewkit.outfolder import OutFolder

    own = invite(number, slug=SLUG, version="1.0.0", intake=address)
    widget = CockpitWidget(Cockpit(find_bank(ROOT), own, OutFolder(out), "i-1"))
    shown = 0

    def drawn() -> None:
        nonlocal shown
        widget.draw()
        now = time.time()
        events = widget.cockpit.session.events
        if widget.cockpit.link.is_up and shown == 0 and not events:
            print(READY, flush=True)
        for event in events[shown:]:
            print(event.seq, now, flush=True)
        shown = len(events)

    thread = widget.cockpit.start(os.environ["REVIEWKIT_INTAKE_TOKEN"], drawn)
    sys.stdin.read()
    widget.cockpit.stop()
    thread.join()


def records(count: int) -> list[Any]:
    """A session of so many events, from a sample review of the scenario."""
    from made_records import OPENED, chain

    from reviewkit.bank import find_bank
    from reviewkit.calibration import operations, reviews

    sample, folder = next(found for found in reviews(find_bank(ROOT).entry(SLUG)) if found[0].kind == "strong")
    return chain([OPENED, *operations(sample, folder)][:count])


class Session:
    """One candidate and the interviewer's process."""

    def __init__(self, intake: Any, number: int, out: Path) -> None:
        from made_intake import token

        self.bearer = token(number, slug=SLUG, version="1.0.0", intake=intake.url)
        self.intake, self.sent, self.seen = intake, dict[int, float](), dict[int, float]()
        self.ready = threading.Event()
        command = [sys.executable, __file__, "--cockpit", intake.url, str(number), str(out)]
        env = {**os.environ, "REVIEWKIT_INTAKE_TOKEN": intake.hiring}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.strip() == READY:
                self.ready.set()
            else:
                number, at = line.split()
                self.seen[int(number)] = float(at)

    def work(self, events: list[Any], pause: float, chance: random.Random) -> None:
        """Send the events, each after a pause of one half to one and a half times the one given."""
        for event in events:
            time.sleep(pause * chance.uniform(0.5, 1.5))
            body = json.dumps({"events": [event.model_dump(mode="json")]}).encode()
            self.sent[event.seq] = time.time()
            answer = self.intake.ask("POST", "/v1/records/abc123/events", body, bearer=self.bearer)
            assert answer.status == 201, answer

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--events", type=int, default=20)
    parser.add_argument("--pause", type=float, default=3.0, help="Seconds between two events of a session, on average.")
    parser.add_argument("--cockpit", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cockpit:
        address, number, out = options.cockpit
        cockpit(address, int(number), Path(out))
        return
    from made_intake import Intake

    with tempfile.TemporaryDirectory() as folder:
        intake = Intake(Path(folder)).start()
        events = records(options.events)
        sessions = [Session(intake, number, Path(folder) / f"out-{number}") for number in range(1, options.sessions + 1)]
        for session in sessions:
            assert session.ready.wait(300), "a cockpit does not start"
        load = os.getloadavg()[0]
        threads = [
            threading.Thread(target=session.work, args=(events, options.pause, random.Random(at))) for at, session in enumerate(sessions)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and any(len(session.seen) < len(session.sent) for session in sessions):
            time.sleep(0.1)
        for session in sessions:
            session.close()
        assert intake.stop() == 0
    lost = sum(len(session.sent) - len(session.seen) for session in sessions)
    waits = sorted(session.seen[seq] - at for session in sessions for seq, at in session.sent.items() if seq in session.seen)
    late = waits[min(len(waits) - 1, int(0.95 * len(waits)))]
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f} before; {len(sessions)} sessions, {len(waits)} events, {lost} lost")
    print(f"from the candidate to the widgets: median {statistics.median(waits):.2f} s, 95 of 100 within {late:.2f} s, longest {waits[-1]:.2f} s")
    met = late <= MOST_SECONDS and not lost
    print(f"{'PASS' if met else 'FAIL'}  95 of 100 events within {late:.2f} s, goal at most {MOST_SECONDS:g} s, none lost")
    raise SystemExit(0 if met else 1)


if __name__ == "__main__":
    main()
