"""Cells of other languages: what they print, how they fail, that nothing keeps a notebook from going on, and nothing stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import io
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_cells import GONE_SECONDS, Notebook, Shell, failing, stopped_when
from typer.testing import CliRunner

from reviewkit import codetokens, doctor
from reviewkit.bank import find_bank
from reviewkit.cli import app
from reviewkit.demo import demo_notebooks
from reviewkit.harness import Answer, Calls, HttpCall, Reply, World
from reviewkit.harness.job import Load
from reviewkit.harness.local import LocalLauncher
from reviewkit.runtimes import nodeplace
from reviewkit.runtimes.base import Host, HostError, MissingRuntimeError
from reviewkit.runtimes.magics import Magics
from reviewkit.runtimes.node import CellError, CellStopped
from reviewkit.workbook import Workbook

node = pytest.mark.node


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    notebook = Notebook(tmp_path_factory.mktemp("workspace"))
    yield notebook
    notebook.magics.close()


@pytest.fixture
def lives(notebook: Notebook) -> Iterator[None]:
    """Whatever a test's cells do, the same host answers the next one."""
    notebook.ts("", "1")
    before = notebook.magics.node.pid
    yield
    assert notebook.ts("", "console.log('well')") == ("well\n", "")
    assert notebook.magics.node.pid == before


PAY = """
export enum Kind { Card = 'card' }
export class Payment {
  constructor(readonly cents: number, readonly kind = Kind.Card) {}
  take(): number {
    if (this.cents > 100) throw new RangeError('zu groß');
    return this.cents;
  }
}
"""


@node
def test_a_file_is_written_by_a_cell_and_imported_by_others(notebook: Notebook, lives: None) -> None:
    """Both streams, text outside ASCII in both directions, enums and parameter properties; errors name file, cell and line."""
    assert notebook.ts("src/payment.ts", PAY) == (f"src/payment.ts: written, {len(PAY.splitlines())} lines\n", "")
    use = "import { Payment } from './src/payment';\n"
    said = notebook.ts("", use + "const p = new Payment(5);\nconsole.log('größe', p.take(), p.kind);\nconsole.error('hm');")
    assert said == ("größe 5 card\n", "hm\n")
    text = failing(notebook.ts, "", use + "const go = () => new Payment(500).take();\n\ngo();")
    assert text.splitlines() == [
        "RangeError: zu groß",
        "    at Payment.take (src/payment.ts:6:33)",
        "    at go (cell [7]:2:35)",
        "    at <anonymous> (cell [7]:4:1)",
    ]
    assert notebook.ts("../out.ts", "1")[0].startswith("'../out.ts' is no file of the workspace.")
    assert not (notebook.root.parent / "out.ts").exists()


@node
def test_what_is_wrong_with_a_cell_is_said_with_its_place(notebook: Notebook, lives: None) -> None:
    """Syntax, types, causes, a rejection that nobody handles, an exit; and an error that is expected is output."""
    assert failing(notebook.ts, "", "let x = 1;\nlet y = = 2;").splitlines()[:2] == ['cell [7]:2:9: Unexpected "="', "    let y = = 2;"]
    notebook.ts("src/broken.ts", "export const n = (;")
    assert "src/broken.ts:1:19" in failing(notebook.ts, "", "import './src/broken'")
    assert "TS2322" in failing(notebook.ts, "src/typed.ts --check", "export const n: number = 'one';")
    caused = "try { (null as any).x } catch (cause) { throw new Error('outer', { cause }) }"
    text = failing(notebook.ts, "", caused)
    assert "Error: outer" in text
    assert "caused by TypeError: Cannot read properties of null" in text
    assert failing(notebook.ts, "", "void Promise.reject(new Error('lost'))").startswith("Error: lost\n    at <anonymous> (cell [7]:1:21)")
    assert failing(notebook.ts, "", "throw { code: 5 }") == "Uncaught { code: 5 }"
    assert failing(notebook.ts, "", "process.exit(3)") == "Exit: cell [7] left with status 3."
    assert notebook.ts("--expect-error", "throw new Error('meant')")[1].startswith("Error: meant")
    assert notebook.ts("--nonsense", "1")[0].startswith("%%ts: unrecognized arguments: --nonsense.")


CARD = """
import { useState } from 'react';
export function Card({ name }: { name: string }) {
  const [open, setOpen] = useState(false);
  return <button aria-expanded={open} onClick={() => setOpen(!open)}>{name}</button>;
}
"""
USE_CARD = """
import axe from 'axe-core';
import { Window } from 'happy-dom';
import { Card } from './src/Card';
const window = new Window();
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
const { fireEvent, render } = await import('@testing-library/react'); // it looks for a document as it is loaded
const view = render(<Card name="Ada" />);
fireEvent.click(view.getByRole('button', { name: 'Ada' }));
console.log(view.container.innerHTML, typeof axe.run);
await window.happyDOM.close();
"""


@node
def test_a_component_is_rendered_clicked_and_type_checked(notebook: Notebook, lives: None) -> None:
    """The packages of the setup can be imported by cells and by files of the workspace, with their types."""
    assert notebook.tsx("src/Card.tsx --check", CARD) == (f"src/Card.tsx: written, {len(CARD.splitlines())} lines\n", "")
    assert notebook.tsx("", USE_CARD) == ('<button aria-expanded="true">Ada</button> function\n', "")
    assert "TS2322" in failing(notebook.tsx, "src/Bad.tsx --check", "import { Card } from './Card';\nexport const bad = <Card name={5} />;")


@node
def test_no_cell_keeps_the_notebook_from_going_on(notebook: Notebook, lives: None) -> None:
    """An endless loop, an open timer, a full heap, full buffers, a flood: each ends, what was printed before is there."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(CellError, match=r"TimeLimit: cell \[7\] had not ended after 0.5 s"):
        notebook.magics.ts("--timeout 0.5", "console.log('before'); for (;;) {}")
    assert out.getvalue() == "before\n"
    assert failing(notebook.ts, "--timeout 0.5", "setInterval(() => 0, 10)").startswith("TimeLimit")
    full = "const all: unknown[] = []; for (;;) all.push(new Array(50_000).fill(0))"
    assert failing(notebook.ts, "", full) == "MemoryLimit: cell [7] needed more than 256 MB."
    buffers = "const all: Buffer[] = []; for (;;) all.push(Buffer.alloc(100_000_000))"
    assert "alloc" in failing(notebook.ts, "", buffers)
    shown, cut = notebook.ts("", "const text = 'x'.repeat(99_999); for (let n = 0; n < 20; n++) console.log(text)")
    assert (len(shown), cut.strip()) == (1_000_000, "[output cut after 1000000 characters]")


@node
def test_a_process_that_dies_is_replaced(notebook: Notebook) -> None:
    """Native output without a line end is shown, too, and forged events end nothing but their own cell."""
    assert notebook.ts("", "import fs from 'node:fs'; fs.writeSync(1, 'no end'); console.log('x')") == ("x\n", "no end\n")
    forged = """import fs from 'node:fs'; fs.writeSync(1, '\\n\\x1e{"id":99999,"end":true}\\n\\x1enonsense\\n'); console.log('y')"""
    assert notebook.ts("", forged) == ("y\n", "nonsense")
    text = failing(notebook.ts, "", "process.kill(process.pid, 'SIGKILL')")
    assert text == "The Node process has ended (signal SIGKILL). The next cell starts a fresh one."
    assert not list(Path(tempfile.gettempdir()).glob(f"reviewkit-node-{os.getpid()}-*"))
    assert notebook.ts("", "console.log('again')") == ("again\n", "")


@node
def test_the_stop_button_stops_a_cell(notebook: Notebook, lives: None) -> None:
    """An interrupt arrives as a signal while the cell runs; the cell ends, the host stays."""
    with stopped_when("on it"), pytest.raises(CellStopped) as caught:
        notebook.magics.ts("", "console.log('on it'); for (;;) {}")
    assert caught.value._render_traceback_() == ["KeyboardInterrupt: cell [7] was stopped."]


KERNEL = """
import sys
from pathlib import Path
from reviewkit.runtimes.magics import Magics
class Shell:
    class displayhook: prompt_count = 1
magics = Magics(Shell())
magics.ts("", "console.log('up')")
print(magics.node.pid, magics._root(), flush=True)
magics.ts("--timeout 600", "import { spawn } from 'node:child_process'; const p = spawn('sleep', ['600']); console.log(p.pid); for (;;) {}")
"""


@node
@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="looks at processes by pidfd")
def test_nothing_outlives_a_killed_kernel(tmp_path: Path) -> None:
    """Killed in the middle of an endless cell that had started a process of its own: all are gone, and so is the host's folder."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", KERNEL], stdout=subprocess.PIPE, text=True, env=environment) as kernel:
        assert kernel.stdout is not None
        assert kernel.stdout.readline() == "up\n"
        host, _root = kernel.stdout.readline().split(maxsplit=1)
        fds = [os.pidfd_open(int(host)), os.pidfd_open(int(kernel.stdout.readline()))]
        assert list(tmp_path.glob("reviewkit-node-*"))
        kernel.kill()
        for fd in fds:
            assert select.select([fd], [], [], GONE_SECONDS)[0], "still there"
            os.close(fd)
    assert not list(tmp_path.glob("reviewkit-node-*"))


@node
def test_a_host_that_is_closed_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    magics = Magics(Shell())
    with contextlib.redirect_stdout(io.StringIO()):
        magics.ts("a.ts", "export const a = 1;")
        magics.ts("", "import { a } from './a'; console.log(a)")
    pid = magics.node.pid
    assert pid is not None
    magics.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lost", ["node", "tools"])
def test_a_missing_part_is_one_line_with_its_command(
    lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the cell, without a traceback; in doctor; files are written all the same."""
    if lost == "node":
        monkeypatch.setattr(nodeplace, "wheel_folder", lambda: None)
        monkeypatch.setenv("PATH", str(tmp_path))
    elif nodeplace.find_node() is None:
        pytest.skip("no Node here")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    magics = Magics(Shell(), lambda: tmp_path)
    magics.ts("", "console.log(1)")
    magics.ts("a.ts", "export {}")
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("Run: reviewkit setup node")
    assert second == "a.ts: written, 1 lines"
    (line,) = [str(part) for part in doctor.examine() if part.name == "TypeScript"]
    assert line.startswith("missing")
    assert "reviewkit setup node" in line


def test_a_workbook_of_typescript_without_node_says_one_line_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Probes, checks, loads and evidence; the demo leaves its submissions out."""
    bank = find_bank(start=Path(__file__).parent)
    assert [path for path in demo_notebooks(bank) if "fulfilment" in path.parts]
    monkeypatch.setattr(nodeplace, "find_node", lambda: None)
    workbook = Workbook()
    monkeypatch.setattr(workbook, "_form", lambda *_: None)
    workbook.start("fulfilment")
    capsys.readouterr()
    asyncio.run(workbook.probe("hiccup"))
    asyncio.run(workbook.check("mend"))
    assert repr(asyncio.run(workbook.load("diagnose"))) == "Load(0 metrics, 0 events)"
    workbook.evidence_cell("", "assert False")
    assert capsys.readouterr().out.splitlines() == [f"Node is not on this machine. Run: {nodeplace.INSTALL}"] * 4
    assert not [path for path in demo_notebooks(bank) if "fulfilment" in path.parts]
    workbook.review_cell("src/app.ts", "export {}")
    assert capsys.readouterr().out == "src/app.ts: in your workspace\n"


def test_setup_without_node_or_without_a_registry_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    found = nodeplace.find_node()
    monkeypatch.setattr(nodeplace, "find_node", lambda: None)
    done = CliRunner().invoke(app, ["setup", "node"])
    assert isinstance(done.exception, MissingRuntimeError)
    if found is None:
        return
    monkeypatch.setattr(nodeplace, "find_node", lambda: found)
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    done = CliRunner().invoke(app, ["setup", "node"])
    assert "could not get the packages" in str(done.exception)
    assert not nodeplace.modules_folder().exists()


def test_the_pinned_packages_name_no_registry_and_are_all_pinned() -> None:
    text = (nodeplace.FOLDER / "package-lock.json").read_text("utf-8")
    assert "resolved" not in text
    assert "integrity" in text
    for system in ("darwin-arm64", "darwin-x64", "linux-x64", "linux-arm64", "win32-x64"):
        assert f'"node_modules/@esbuild/{system}"' in text
        assert f'"node_modules/@typescript/typescript-{system}"' in text


def test_a_host_that_does_not_start_says_why(tmp_path: Path) -> None:
    host = Host("Node", [sys.executable, "-c", "raise SystemExit('no such module')"], tmp_path)
    with pytest.raises(HostError, match=r"Node did not start \(no such module\)"):
        host.request("run", {}, 1.0, lambda _stream, _text: None)
    assert host.pid is None
    missing = Host("Node", [str(tmp_path / "nothing")], tmp_path)
    with pytest.raises(HostError, match="did not start"):
        missing.request("run", {}, 1.0, lambda _stream, _text: None)


TWICE = """
// Types imported as if they were values, which the compiler leaves out: Kind is named in this comment, too.
import { Twice, Kind } from './kinds';
import { TransferListItem, threadId } from 'node:worker_threads';
export { Twice } from './kinds';
export const twice: Twice = (n: number): number => (2 + threadId) * n;
export const kind: Kind = 'even';
export type Items = TransferListItem[];
"""
LOOPING = """
import asyncio, sys
from pathlib import Path
from reviewkit.runtimes import nodelocal
from reviewkit.harness import World
from reviewkit.harness.job import Load
from reviewkit.harness.local import LocalLauncher
if len(sys.argv) > 2:
    nodelocal._ends_with_us = lambda ends: False
async def main():
    world = World()
    job = await LocalLauncher().launch(Load(Path(sys.argv[1]), ("src",), (), Path(sys.argv[1], "driver.ts")), world)
    await job.ask("call", {"name": "up", "kwargs": {}}, 20)
    print(world.facts[0][1]["pid"], flush=True)
    await job.ask("call", {"name": "loop", "kwargs": {}}, 600)
asyncio.run(main())
"""
DRIVER = """
import { twice, Twice, Items } from './src/twice';
export const up = (env: any) => env.emit('up', { pid: process.pid, four: twice(2) });
export const loop = () => { for (;;) {} };
"""


@node
@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="looks at processes by pidfd")
@pytest.mark.parametrize("by_thread", [(), ("by-thread",)], ids=["by-system", "by-thread"])
def test_a_tree_in_a_loop_does_not_outlive_its_kernel(tmp_path: Path, by_thread: tuple[str, ...]) -> None:
    """It loads as it does in a cell, types imported like values included; where the system cannot end it, a thread does."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "twice.ts").write_text(TWICE)
    (tmp_path / "src" / "kinds.ts").write_text("export interface Twice { (n: number): number }\nexport type Kind = 'even';\n")
    (tmp_path / "driver.ts").write_text(DRIVER)
    with subprocess.Popen([sys.executable, "-c", LOOPING, str(tmp_path), *by_thread], stdout=subprocess.PIPE, text=True) as kernel:
        assert kernel.stdout is not None
        fd = os.pidfd_open(int(kernel.stdout.readline()))
        kernel.kill()
        assert select.select([fd], [], [], GONE_SECONDS)[0], "still there"
        os.close(fd)


@node
def test_exact_values_cross_to_a_tree_and_back(tmp_path: Path) -> None:
    """What has a type of its own in Python and JavaScript keeps it; what has none is refused by name."""
    (tmp_path / "driver.ts").write_text("export const same = (_env: any, { value }: any) => value;\nexport const map = () => new Map();\n")
    values = [None, True, 0, -1, 2**53 + 1, -(2**70), 0.5, -0.0, 1e300, 5e-324, float("inf"), "ä\U0001f600", b"\x00\xff", [], [[1]], {"a": {}}, {"__proto__": 1}]
    moment = dt.datetime(2024, 2, 29, 12, 30, 15, 250_000, tzinfo=dt.UTC)

    async def run() -> tuple[Answer, Answer, Answer]:
        world = World()
        job = await LocalLauncher().launch(Load(tmp_path, ("src",), (), tmp_path / "driver.ts"), world)
        calls = Calls(job, world)
        answers = [await calls.call("same", value=values), await calls.call("same", value=moment), await calls.call("map")]
        await job.close()
        return answers[0], answers[1], answers[2]

    many, when, refused = asyncio.run(run())
    assert many.value == values
    assert [type(value) for value in many.value] == [type(value) for value in values]
    assert (str(many.value[7]), when.value) == ("-0.0", moment)
    assert (refused.error, "Map" in refused.message) == ("NotPlainError", True)


FETCHING = """
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const told = async (work: () => unknown) => {
  try { return await work(); } catch (error: any) { return `${error.name}: ${error.message}`; }
};
const real = async (address: any, options: any) => {
  const request = new Request(address, options);
  return { method: request.method, url: request.url, headers: Object.fromEntries(request.headers), body: await request.text() };
};
const URLS = ['http://shop.test', new URL('https://shop.test:443/a/../b?q=ä#part'), 'no address', 'https://me:word@shop.test/', 'data:,x'];
const OPTIONS = [
  undefined, {}, { method: 'POST', body: '{"ä":1}' }, { method: 'post', body: '', headers: { 'X-B': 'b', 'a-a': ' padded ', n: 7 } },
  { method: 'PUT', body: 'x\\ud800', headers: { 'Content-Type': 'text/csv' } }, { headers: { A: '1', a: '2' } }, { headers: [['a', '1'], ['a', '2']] },
  { headers: { 'not a name': '1' } }, { headers: { a: 'line\\nline' } }, { body: 'x' }, { method: 'get it' }, { signal: 7 },
  { method: 'POST', body: new URLSearchParams({ a: 'b c' }) }, { method: 'POST', body: new Uint8Array([1, 2]) }, { method: 'DELETE', redirect: 'error' },
];
/** Requests that differ from those that Node's own class makes. */
export async function requests() {
  const pairs = [...URLS.map((url) => [url, {}]), ...OPTIONS.map((options) => ['http://shop.test/', options])];
  const differ: unknown[] = [];
  for (const [url, options] of pairs) {
    const ours = await told(async () => (await fetch(url as any, options as any)).json());
    const theirs = await told(() => real(url, options));
    if (JSON.stringify(ours) !== JSON.stringify(theirs) && !JSON.stringify(ours).includes('fetch failed')) differ.push([String(url), ours, theirs]);
  }
  return differ;
}
const LOOKS: Record<string, (reply: any) => unknown> = {
  plain: (reply) => [reply.status, reply.ok], json: (reply) => reply.json(), text: (reply) => reply.text(),
  bytes: async (reply) => new Uint8Array(await reply.arrayBuffer()), twice: async (reply) => (await reply.text()) + (await reply.text()),
  used: async (reply) => [reply.bodyUsed, await reply.text(), reply.bodyUsed], headers: (reply) => reply.headers.get('X-One'),
  copies: async (reply) => { const copy = reply.clone(); return (await copy.text()) + (await reply.text()); },
  late: async (reply) => { await reply.json().catch(() => 0); return await reply.clone().text(); },
  kind: (reply) => [reply instanceof Response, reply.constructor === Response, 'json' in reply, Object.prototype.toString.call(reply), typeof reply.then],
  stream: async (reply) => { let all = ''; for await (const part of reply.body ?? []) all += text(part); return all; },
  free: async (reply) => { reply.mine = 1; const { json } = reply; return [reply.mine, await reply.text()]; },
};
/** Looks at a response that come to something else than with Node's own class. */
export async function responses() {
  const differ: unknown[] = [];
  for (const [status, body] of [[200, '\\ufeff{"a":1}'], [404, 'no {'], [204, null], [500, '']] as [number, string | null][]) {
    for (const [name, look] of Object.entries(LOOKS)) {
      const ours = await told(async () => look(await fetch(`http://reply.test/${status}`, { method: 'POST', body: body ?? '' })));
      const theirs = await told(() => look(new Response(body, { status, headers: { 'x-one': '1' } })));
      if (JSON.stringify(ours) !== JSON.stringify(theirs)) differ.push([status, name, ours, theirs]);
    }
  }
  return differ;
}
"""


@node
def test_fetch_is_as_nodes_own_without_loading_it(tmp_path: Path) -> None:
    """Ordinary requests and responses are put together by the guest itself; nobody can tell."""
    (tmp_path / "driver.ts").write_text(FETCHING)

    async def echo(call: HttpCall) -> Reply:
        return Reply(200, {"method": call.method, "url": call.url, "headers": call.headers, "body": call.body.decode()})

    async def reply(call: HttpCall) -> Reply:
        return Reply(int(call.url[-3:]), text=call.body.decode(), headers={"x-one": "1"})

    async def run() -> list[Answer]:
        world = World()
        world.http("shop.test", echo)
        world.http("reply.test", reply)
        job = await LocalLauncher().launch(Load(tmp_path, ("src",), (), tmp_path / "driver.ts"), world)
        calls = Calls(job, world)
        answers = [await calls.call("requests"), await calls.call("responses")]
        await job.close()
        return answers

    assert [(answer.value, answer.error, answer.message) for answer in asyncio.run(run())] == [([], None, ""), ([], None, "")]


def test_comments_are_prose_and_can_be_left_out() -> None:
    source = "// One two three four.\nexport const a = '//no'; /* x\ny */ const r = /\\/\\/ab/;\n\nconst s = `${a} is a text of words`; // end\n"
    assert [line for line, _ in codetokens.prose("a.ts", source)] == [1, 2, 5, 5]
    assert codetokens.without_comments("a.ts", source) == "export const a = '//no'; \n const r = /\\/\\/ab/;\nconst s = `${a} is a text of words`; \n"
