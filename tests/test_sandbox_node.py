"""Guests that are Node processes: honest ones pass, hostile ones get nothing, at the levels that can hold them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sandbox_bank
import yaml
from sandbox_bank import CANARY

from reviewkit.bank import Entry
from reviewkit.checks import run_hidden_checks
from reviewkit.runtimes import nodeplace
from reviewkit.sandbox import Level, SandboxJob, SandboxLauncher
from reviewkit.sandbox.levels import lacking
from reviewkit.scorecard import CheckResult

pytestmark = [pytest.mark.sandbox, pytest.mark.node]
MODULE = "till/sums.ts"
BUSY = os.getloadavg()[0] > 2 * (os.cpu_count() or 1) or "PYTEST_XDIST_WORKER" in os.environ
LATE = ("time_limit", "not_measured") if BUSY else ()

TAX = "export enum Rate { None = 0 }\n"
REFERENCE = """
import { Rate } from './tax';

interface Row { changes: number }

export class Till {
  constructor(private readonly rate: Rate = Rate.None) {}
  async total(prices: number[]): Promise<number> {
    return prices.reduce((sum, price) => sum + price, this.rate);
  }
}
export async function keep(env: any, amount: number): Promise<Row> {
  const db = await env.connect();
  const row: Row = await db.execute('INSERT INTO kept VALUES (?)', [amount]);
  await db.commit();
  return row;
}
export async function ask(amount: number): Promise<unknown> {
  const reply = await fetch('https://gateway.test/ask', { method: 'POST', body: JSON.stringify({ amount }), signal: AbortSignal.timeout(2000) });
  return (await reply.json()).answer;
}
"""
DRIVER = """
import * as sums from './till/sums.js';

export const total = (_env: any, { prices }: any) => new sums.Till().total(prices);
export const keep = (env: any, { amount }: any) => sums.keep(env, amount);
export const ask = (_env: any, { amount }: any) => sums.ask(amount);
"""
PRELUDE = """
import fs from 'node:fs';
const RUBRIC = {rubric}, OUTSIDE = {outside};
const frame = (text: string) => {{
  const data = Buffer.from(text), head = Buffer.alloc(4);
  head.writeUInt32LE(data.length);
  return Buffer.concat([head, data]);
}};
const raw = (text: string) => fs.writeSync(3, frame(text));
const rest = (ms = 1000) => new Promise((done) => setTimeout(done, ms));
const tried = async (...attempts: (() => unknown)[]) => {{
  const said: string[] = [];
  for (const attempt of attempts) {{
    try {{ said.push(`DONE ${{String(await attempt()).slice(0, 60)}}`); }} catch (error: any) {{ said.push(error.code ?? error.name); }}
  }}
  return said.join(' ');
}};
const failsToStart = (child: any) => new Promise((done, fail) => {{ child.on('error', fail); child.on('exit', done); }});
"""
FAILED, STOPPED, CRASHED, MEMORY, TIME = ("failed",), ("stopped",), ("crashed",), ("memory_limit",), ("time_limit",)


def _total(body: str) -> str:
    return "export class Till { async total(prices: number[]): Promise<any> {\n" + body + "\n} }\n"


FIXES: dict[str, tuple[str, tuple[str, ...]]] = {
    # Forging.
    "object-that-equals-all": (_total("return { valueOf: () => prices.length, toJSON: () => 1 };"), FAILED),
    "patched-language": (
        "Array.from = () => [1] as any; JSON.stringify = () => '[\"l\",\"done\",1,[\"d\",\"value\",true]]';\n" + _total("return 1;"), STOPPED),
    "forged-replies": (
        _total("for (let n = 1; n < 60; n++) raw(`[\"l\",\"done\",${n},[\"d\",\"value\",1]]`);\nawait rest();"), STOPPED),
    "exit-at-import": ("process.exit(0);\n" + _total("return 1;"), CRASHED),
    "unhandled-rejection": (_total("void Promise.reject(new Error('passed')); await rest(); return 1;"), CRASHED),
    # Leaking and escaping.
    "reads": (
        _total("""return await tried(() => fs.readFileSync(RUBRIC + '/checks.py'), () => fs.readdirSync(RUBRIC),
        () => fs.readFileSync('/etc/passwd'), () => fs.readFileSync('/proc/self/environ'), () => fs.readFileSync('/proc/1/maps'),
        () => fs.readdirSync('/stage'), () => fs.readdirSync('/root'), () => fs.readFileSync('/dev/mem'));"""), FAILED),
    "writes": (
        _total("""return await tried(() => fs.writeFileSync(OUTSIDE + '/left', 'x'), () => fs.writeFileSync('/tree/left', 'x'),
        () => fs.appendFileSync(new URL(import.meta.url), 'x'), () => fs.writeFileSync('/tmp/left', 'x'), () => fs.mkdirSync('/usr/lib/left'));"""), FAILED),
    "programs": (
        "import cp from 'node:child_process';\nimport cluster from 'node:cluster';\n" + _total(
        """return await tried(() => cp.execFileSync('/bin/true'), () => failsToStart(cp.spawn(process.execPath, ['-e', '0'])),
        () => failsToStart(cp.fork('/tree/till/sums.ts')), () => failsToStart(cluster.fork().process),
        () => (process as any).execve(process.execPath, [process.execPath, '-e', '0'], {}) ?? 1);"""), FAILED + CRASHED),
    "network": (
        "import net from 'node:net'; import dgram from 'node:dgram'; import dns from 'node:dns/promises'; import inspector from 'node:inspector';\n" + _total(
        """return await tried(() => failsToStart(net.connect(22, '127.0.0.1')), () => failsToStart(net.connect('/run/x.sock')),
        () => failsToStart(net.createServer().listen(0)), () => failsToStart(dgram.createSocket('udp4').bind(0)),
        () => dns.lookup('example.org'), () => { inspector.open(0); return inspector.url() ?? Promise.reject(new Error('none')); });"""), FAILED),
    "native-code": (
        _total("""return await tried(() => (process as any).dlopen({ exports: {} }, '/usr/lib/x86_64-linux-gnu/libc.so.6'),
        () => { fs.copyFileSync('/usr/lib/x86_64-linux-gnu/libm.so.6', '/scratch/a.node'); (process as any).dlopen({ exports: {} }, '/scratch/a.node'); });"""), FAILED),
    "other-processes": (
        _total("return await tried(() => process.kill(-1, 9), () => process.kill(2, 9), () => process.kill(process.ppid || 2, 9), "
               "() => process.setuid!(0));"), FAILED + CRASHED),
    # Exhausting.
    "endless-loop": (_total("for (;;) {}"), TIME),
    "endless-import": ("for (;;) {}\n" + _total("return 1;"), TIME),
    "endless-threads": (
        "import { Worker } from 'node:worker_threads';\n" + _total(
            "for (let n = 0; n < 4; n++) new Worker('for (;;) {}', { eval: true }).on('error', () => 0); for (;;) {}"), TIME + MEMORY + CRASHED),
    "heap": (_total("const held: unknown[] = []; for (;;) held.push(new Array(10_000).fill(prices));"), MEMORY + TIME),
    "buffers": (_total("const held: Buffer[] = []; for (;;) held.push(Buffer.alloc(50_000_000, 1));"), FAILED + MEMORY),
    "full-disk": (_total("return await tried(...[1, 2, 3].map((n) => () => fs.writeFileSync(`/scratch/${n}`, Buffer.alloc(15_000_000)) ?? Promise.reject(new Error('kept'))));"), FAILED),
    "large-reply": (_total("return 'x'.repeat(5_000_000);"), FAILED),
}  # fmt: skip


@pytest.fixture(scope="module")
def entry(tmp_path_factory: pytest.TempPathFactory) -> Entry:
    """The till of the other sandbox tests, in TypeScript."""
    made = sandbox_bank.make_bank(tmp_path_factory.mktemp("bank"))
    assert made.rubric_folder is not None
    for tree, source in ((made.folder / "head", REFERENCE.replace("sum + price", "sum + price + 1")), (made.rubric_folder / "reference", REFERENCE)):
        (tree / "till" / "sums.py").unlink()
        (tree / MODULE).write_text(source)
        (tree / "till" / "tax.ts").write_text(TAX)
    for place in (made.folder / "scenario.yaml", made.rubric_folder / "rubric.yaml"):
        text = place.read_text().replace("till/sums.py", MODULE).replace("sum(prices) + 1", "sum + price + 1")
        place.write_text(text)
    scenario = yaml.safe_load((made.folder / "scenario.yaml").read_text()) | {"packages": [], "languages": ["typescript"]}
    (made.folder / "scenario.yaml").write_text(yaml.safe_dump(scenario))
    (made.folder / "harness" / "driver.py").unlink()
    (made.folder / "harness" / "driver.ts").write_text(DRIVER)
    return Entry("till", made.folder, made.rubric_folder)


@pytest.fixture(scope="module")
def launcher() -> Iterator[SandboxLauncher]:
    reason = lacking(Level.NAMESPACES)
    if reason is not None:
        pytest.skip(reason)
    launcher = SandboxLauncher(Level.NAMESPACES)
    yield launcher
    launcher.close()


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outside")
    folder.chmod(0o777)
    return folder


def run(entry: Entry, launcher: SandboxLauncher | None, text: str) -> dict[str, CheckResult]:
    results = asyncio.run(run_hidden_checks(entry, "mend", {MODULE: text}, launcher, 1))
    return {result.check: result for result in results}


def first(entry: Entry, launcher: SandboxLauncher, text: str) -> CheckResult:
    """The first check alone: each is a process of its own, and one is enough to see what a fix can do."""
    assert entry.rubric_folder is not None
    place = entry.rubric_folder / "rubric.yaml"
    whole = place.read_text()
    rubric = yaml.safe_load(whole)
    rubric["exercises"]["mend"]["checks"] = ["adds-up"]
    place.write_text(yaml.safe_dump(rubric))
    try:
        return run(Entry("till", entry.folder, entry.rubric_folder), launcher, text)["adds-up"]
    finally:
        place.write_text(whole)


def test_an_honest_fix_passes_twice_and_the_change_as_proposed_does_not(
    entry: Entry, launcher: SandboxLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Types, enums, parameter properties, imports without ending; requests and statements reach the world.

    Types are taken from a tree once, by its first guest before it loads anything, and for its own guests alone.
    """
    asked: list[str] = []
    ask = SandboxJob.ask

    async def counted(job: SandboxJob, op: str, payload: dict[str, Any], timeout: float) -> dict[str, Any]:
        asked.append(op)
        return await ask(job, op, payload, timeout)

    monkeypatch.setattr(SandboxJob, "ask", counted)
    results = run(entry, launcher, REFERENCE)
    assert {result.outcome for result in results.values()} == {"passed"}, results
    assert asked[:4] == ["strip", "strip", "strip", "load"] and asked.count("strip") == 3 and asked.count("load") == 3, asked
    assert run(entry, launcher, REFERENCE) == results
    assert asked.count("strip") == 6, "code of one submission went to another"
    assert first(entry, launcher, REFERENCE.replace("sum + price", "sum + price + 1")).outcome == "failed"


@pytest.mark.parametrize("name", FIXES)
def test_a_hostile_fix_gets_nothing(name: str, entry: Entry, launcher: SandboxLauncher, outside: Path) -> None:
    """Its check ends as it should, nothing leaks into a result, nothing is left outside."""
    body, outcomes = FIXES[name]
    result = first(entry, launcher, PRELUDE.format(rubric=repr(str(entry.rubric_folder)), outside=repr(str(outside))) + body)
    assert result.outcome in (*outcomes, *LATE), result
    assert CANARY not in result.seen and "root:" not in result.seen and "DONE" not in result.seen, result
    assert len(result.seen) <= 500 and result.seen.isprintable(), result
    assert list(outside.iterdir()) == []


def test_without_its_parts_checks_are_not_run(entry: Entry, launcher: SandboxLauncher, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Node, or a level that cannot hold one: a reason, never a bare run, never zero points."""
    monkeypatch.setattr(nodeplace, "find_node", lambda: None)
    lost = first(entry, launcher, REFERENCE)
    assert (lost.outcome, "Node" in lost.seen, "reviewkit[node]" in lost.seen) == ("not_run", True, True), lost
    monkeypatch.undo()
    if lacking(Level.SECCOMP) is None:
        low = SandboxLauncher(Level.SECCOMP)
        try:
            assert first(entry, low, REFERENCE).outcome == "not_run"
        finally:
            low.close()


def test_the_same_at_level_landlock(entry: Entry, outside: Path) -> None:
    """Where Node lies where every user can get to it; nothing can be written there at all."""
    if lacking(Level.LANDLOCK) is not None:
        pytest.skip("no landlock")
    launcher = SandboxLauncher(Level.LANDLOCK)
    try:
        honest = first(entry, launcher, REFERENCE)
        if honest.outcome == "not_run":
            pytest.skip(honest.seen)
        assert honest.outcome == "passed", honest
        for name in ("reads", "writes", "programs", "network"):
            test_a_hostile_fix_gets_nothing(name, entry, launcher, outside)
    finally:
        launcher.close()
