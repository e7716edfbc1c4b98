"""The intake under load: many candidates at once, and one submission sent 50 times at once, alone and during attacks.

Times as the candidates see them and by the service's own clock, memory, and what was refused.

    python benchmarks/intake/run.py [--candidates 100] [--out result.json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from made_intake import Intake, batch, long_chain, notebook, token

BIG = 24_000_000
EQUAL = 50
"""Equal submissions at once."""


class Client:
    """One candidate on a connection of its own: five batches of events and a submission, each timed.

    Bare sockets, because a client library with a hundred connections in one process takes longer than the service.
    """

    def __init__(self, port: int, number: int, size: int, round_: int) -> None:
        self.port = port
        events = long_chain(25, "slow " * 40)
        self.requests = [
            self._request(number, f"/v1/records/rec-{round_}/events", batch(events[start : start + 5]), "")
            for start in range(0, 25, 5)
        ]
        key = f"idempotency-key: key-round{round_:03d}\r\n"
        self.requests.append(self._request(number, "/v1/submissions", notebook(number, size=size), key))
        self.seconds: list[float] = []
        self.codes: Counter[int] = Counter()

    @staticmethod
    def _request(number: int, path: str, body: bytes, extra: str) -> bytes:
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token(number)}\r\ncontent-type: application/json\r\n"
        return f"{head}{extra}content-length: {len(body)}\r\n\r\n".encode() + body

    async def work(self) -> None:
        started = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for request in self.requests:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(length)
            self.seconds.append(time.perf_counter() - started)
            self.codes[int(head[9:12])] += 1
            started = time.perf_counter()
        writer.close()


async def honest(port: int, first: int, count: int, round_: int, size: int) -> dict[str, Any]:
    """So many candidates at the same moment."""
    clients = [Client(port, first + n, size, round_) for n in range(count)]
    started = time.perf_counter()
    await asyncio.gather(*(client.work() for client in clients))
    whole = time.perf_counter() - started
    seconds = sorted(s for client in clients for s in client.seconds)
    first_ones = sorted(client.seconds[0] for client in clients)
    codes = sum((client.codes for client in clients), Counter[int]())
    return {
        "requests": len(seconds), "codes": dict(codes), "median_s": round(statistics.median(seconds), 3),
        "p99_s": round(seconds[int(len(seconds) * 0.99)], 3), "max_s": round(seconds[-1], 3),
        "first_max_s": round(first_ones[-1], 3), "all_s": round(whole, 2),
    }  # fmt: skip


async def equal(intake: Intake, number: int, count: int, size: int) -> dict[str, Any]:
    """So many times the same submission at the same moment, as of a page that sends again: one is stored, all are told its receipt."""
    body, receipts, seconds, codes = notebook(number, size=size), set[str](), list[float](), Counter[int]()
    request = Client._request(number, "/v1/submissions", body, "idempotency-key: key-equal0001\r\n")

    async def one() -> None:
        started = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", intake.port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        answer = json.loads(await reader.readexactly(length))
        seconds.append(time.perf_counter() - started)
        codes[int(head[9:12])] += 1
        receipts.add(answer.get("receipt", ""))
        writer.close()

    await asyncio.gather(*(one() for _ in range(count)))
    stored = intake.ask("GET", f"/v1/submissions?invite=invite-{number:06d}", bearer=intake.hiring).json["submissions"]
    return {
        "requests": count, "codes": dict(codes), "receipts": len(receipts), "stored": len(stored),
        "median_s": round(statistics.median(seconds), 3), "max_s": round(max(seconds), 3),
    }  # fmt: skip


def own_clock(said: str) -> dict[str, float]:
    """Seconds from a request's header to its answer by the service's own clock, of what it stored."""
    lines = [json.loads(line) for line in said.splitlines() if '"request.answered"' in line]
    spent = sorted(line["elapsed_ms"] / 1000 for line in lines if line["method"] == "POST" and line["status"] in (200, 201))
    return {"own_median_s": round(statistics.median(spent), 3), "own_max_s": round(spent[-1], 3)} if spent else {}


async def nothing(_url: str, _port: int) -> None:
    """No attack."""
    await asyncio.Event().wait()


async def dripping(_url: str, port: int) -> None:
    """600 connections that never finish a header, or a body of a valid invite; each comes back when it is ended."""

    async def one(n: int) -> None:
        while True:
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
                head = b"GET /healthz HTTP/1.1\r\nhost: x\r\n"
                if n % 4 == 0:
                    head = f"POST /v1/submissions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token(5000 + n)}\r\nidempotency-key: key-slow001\r\ncontent-type: application/json\r\ncontent-length: 900000\r\n\r\n".encode()
                writer.write(head)
                while not writer.is_closing():
                    await asyncio.sleep(1)
                    writer.write(b"x: y\r\n")
                    await writer.drain()
            except OSError:
                await asyncio.sleep(0.2)

    await asyncio.gather(*(one(n) for n in range(600)))


async def large_bodies(url: str, _port: int) -> None:
    """Twelve valid invites that send hostile files of 24 MB without a pause: deep, long, and honest-looking."""
    bodies = [notebook(6000, size=BIG), b"[" + b"[],[1]," * (BIG // 8) + b"1]", b'{"a":[' + b'"ab",' * (BIG // 6) + b"1]}"]

    async def one(n: int) -> None:
        headers = {"Authorization": f"Bearer {token(6000 + n)}", "Content-Type": "application/json"}
        async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:
            for sent in range(10_000):
                try:
                    await http.post("/v1/submissions", content=bodies[n % 3], headers={**headers, "Idempotency-Key": f"key-{sent:06d}"})
                except httpx.HTTPError:
                    await asyncio.sleep(0.2)

    await asyncio.gather(*(one(n) for n in range(12)))


async def flood(url: str, _port: int) -> None:
    """Sixty connections that ask with made-up tokens as fast as they can."""

    async def one() -> None:
        async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False, headers={"Authorization": "Bearer rk1.e30.x"}) as http:
            while True:
                try:
                    await http.get("/v1/invite")
                except httpx.HTTPError:
                    await asyncio.sleep(0.2)

    await asyncio.gather(*(one() for _ in range(60)))


ATTACKS: dict[str, Callable[[str, int], Awaitable[None]]] = {
    "none": nothing, "dripping": dripping, "large bodies": large_bodies, "flood": flood,
}  # fmt: skip


def attack(name: str, url: str, port: int) -> subprocess.Popen[bytes]:
    """An attack from a process of its own."""
    return subprocess.Popen([sys.executable, __file__, "--attack", name, "--url", url, "--port", str(port)])


def memory(intake: Intake) -> float:
    """Resident megabytes of the service."""
    assert intake.process is not None
    return float(psutil.Process(intake.process.pid).memory_info().rss) / 1e6


def cpu(intake: Intake) -> float:
    """Processor seconds of the service."""
    assert intake.process is not None
    times = psutil.Process(intake.process.pid).cpu_times()
    return float(times.user + times.system)


def waited(intake: Intake) -> float:
    """Seconds that threads of the service were ready and had no processor, as others used it; 0 where that is not counted."""
    assert intake.process is not None
    tasks = Path(f"/proc/{intake.process.pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[1]) for task in tasks) / 1e9


async def peak_while(intake: Intake, work: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """The work's result, with the service's highest memory meanwhile."""
    task = asyncio.ensure_future(work)
    peak, used, ready = memory(intake), cpu(intake), waited(intake)
    while not task.done():
        await asyncio.sleep(0.02)
        peak = max(peak, memory(intake))
    spent = {"server_cpu_s": round(cpu(intake) - used, 2), "server_waited_s": round(waited(intake) - ready, 2)}
    return {**await task, "peak_mb": round(peak), **spent, "load": round(os.getloadavg()[0], 1)}


def measure(names: list[str], count: int, size: int, rounds_n: int) -> dict[str, Any]:
    """Each attack against a fresh service."""
    found: dict[str, Any] = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            intake = Intake(Path(folder)).start()
            asyncio.run(honest(intake.port, 1, 5, 900, 1000))  # warm
            before, said = memory(intake), len(intake.said)
            attacker = attack(name, intake.url, intake.port) if name != "none" else None
            try:
                time.sleep(3 if attacker else 0)
                rounds = [asyncio.run(peak_while(intake, honest(intake.port, 10, count, n, size))) for n in range(rounds_n)]
                own = own_clock(intake.said[said:]) if attacker is None else {}  # an attack is in the log too
                same = asyncio.run(equal(intake, 4000, EQUAL, size))
            finally:
                if attacker is not None:
                    attacker.kill()
                    attacker.wait()
            errors = [line for line in intake.said.splitlines() if '"status": 5' in line]
            intake.stop()
            found[name] = {"before_mb": round(before), "rounds": rounds, **own, "equal": same, "answers_5xx": len(errors)}
            print(name, json.dumps(found[name]), flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--candidates", type=int, default=100)
    parser.add_argument("--size", type=int, default=300_000, help="Bytes of each submission.")
    parser.add_argument("--only", choices=list(ATTACKS), action="append", help="Only this attack.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--attack", choices=list(ATTACKS))
    parser.add_argument("--url", default="")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    if given.attack:
        asyncio.run(ATTACKS[given.attack](given.url, given.port))  # type: ignore[arg-type]
        return
    about = {"cores": os.cpu_count(), "python": platform.python_version(), "load_before": os.getloadavg()[0]}
    result = {**about, "candidates": given.candidates, "bytes": given.size, "attacks": measure(given.only or list(ATTACKS), given.candidates, given.size, given.rounds)}
    if given.out:
        given.out.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
