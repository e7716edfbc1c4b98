"""Cells of TypeScript that share a session, and live components."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import unescape

import pytest
from made_cells import Notebook, failing, stopped_when, stopped_when_read

from reviewkit.runtimes import magics
from reviewkit.runtimes import node as runtimes_node
from reviewkit.runtimes.node import CellStopped

pytestmark = pytest.mark.node

CARD = """
import { useState } from 'react';
export function Card({ name }: { name: string }) {
  const [open, setOpen] = useState(false);
  return <button aria-expanded={open} onClick={() => setOpen(!open)}>{name}</button>;
}
"""

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


def test_cells_of_a_session_share_their_variables(notebook: Notebook, lives: None) -> None:
    """Each kind of declaration, values, modules of the workspace, places of errors; other cells see nothing of it."""
    notebook.ts("src/count.ts", "let n = 0;\nexport const up = () => ++n;\nexport interface Kind { a: 1 }")
    notebook.ts("src/buy.ts", "import { up } from './count';\nexport const buy = () => up();")

    def say(cell: str, line: str = "--session") -> str:
        return notebook.tsx(line, cell)[0].rstrip("\n")

    assert say("const a = 1, { b, ...rest } = { b: 2, c: 3 };\nlet later: number; var [x = 5, , y] = [undefined, 1, 2];\nenum E { One = 1 }\na + b") == "3"
    assert say("[a, b, rest, later, x, y, E.One]") == "[ 1, 2, { c: 3 }, undefined, 5, 2, 1 ]"
    assert say("const a = 7; console.log(a); undefined") == "7"
    assert say("import { up, Kind } from './src/count';\nimport * as path from 'node:path'; import { buy } from './src/buy.ts';\nup()") == "1"
    assert say("const k: Kind = { a: 1 }; [buy(), up(), path.basename('/a/b')]") == "[ 2, 3, 'b' ]"
    assert say("import { up as again } from './src/count.js'; again()") == "4"
    notebook.ts("src/count.ts", "let n = 100; export const up = () => ++n;")
    assert say("import { up } from './src/count'; import { buy } from './src/buy'; [again(), up(), buy()]") == "[ 5, 101, 102 ]"
    assert say("const found = await import('./src/count'); found.up()") == "103"
    assert say("function twice(n: number) { return times() * n; }\nfunction times() { return 2; }\ntwice(3)") == "6"
    assert say("function times() { return 10; }\nclass P { me() { return P.name; } }\nexport const z = new P().me();\n[twice(3), times.name, z]") == "[ 30, 'times', 'P' ]"
    assert say("export default <b className='x'>{a}</b>.props") == "{ className: 'x', children: 7 }"
    say("const fail = () => {\n  throw new Error('here');\n};")
    text = failing(notebook.tsx, "--session", "\n  fail();")
    assert text.splitlines() == ["Error: here", "    at fail (cell [7]:2:9)", "    at <anonymous> (cell [7]:2:3)"]
    assert failing(notebook.tsx, "--session", "import './nope'") == 'Could not resolve "./nope"'
    assert failing(notebook.tsx, "--session", "let p = = 2").splitlines()[0] == 'cell [7]:1:9: Unexpected "="'
    assert failing(notebook.tsx, "--session", "void Promise.reject(new Error('lost')); await new Promise(() => 0)").startswith("Error: lost")
    assert say("[typeof a, typeof crypto]") == "[ 'number', 'object' ]"
    assert (say("typeof a", "--session other"), say("console.log(typeof a)", "")) == ("'undefined'", "undefined")
    assert notebook.tsx("a.tsx --session", "1")[0].startswith("%%tsx: a cell of a session neither is a file nor")


def test_a_session_that_has_to_be_ended_begins_anew(notebook: Notebook, lives: None) -> None:
    """And says so; the host and other sessions stay."""
    notebook.ts("--session kept", "let kept = 5;")
    notebook.ts("--session", "let n = 1;")
    text = failing(notebook.ts, "--session --timeout 0.5", "for (;;) {}")
    assert text == "TimeLimit: cell [7] had not ended after 0.5 s and was ended with its session."
    note = "[the session had to be ended and begins anew: its variables are gone]\n"
    assert notebook.ts("--session", "typeof n") == ("'undefined'\n", note)
    assert failing(notebook.ts, "--session", "process.exit(3)") == "Exit: cell [7] left with status 3."
    with stopped_when("on it"), pytest.raises(CellStopped):
        notebook.magics.ts("--session", "console.log('on it'); for (;;) {}")
    assert notebook.ts("--session", "let n = 2; n")[0] == "2\n"
    assert notebook.ts("--session --reset", "typeof n") == ("'undefined'\n", "")
    assert notebook.ts("--session kept", "kept") == ("5\n", "")


def test_an_error_of_an_earlier_cell_is_told_and_ends_nothing(notebook: Notebook, lives: None) -> None:
    """Whether it comes while another cell runs or between two."""
    notebook.ts("--session late", "let go: any;\nvoid new Promise((done) => (go = done)).then(() => {\n  throw new Error('late');\n});")
    out, told = notebook.ts("--session late", "go(); await new Promise((done) => setTimeout(done, 0)); console.log('on'); 5")
    assert out == "on\n5\n"
    assert told.splitlines()[:2] == ["an earlier cell: Error: late", "    at <anonymous> (cell [7]:3:9)"]
    assert notebook.ts("--session late", "setTimeout(() => { throw new Error('after'); }, 0); 1") == ("1\n", "")
    out, told = notebook.ts("--session late", "await new Promise((done) => setTimeout(done, 5)); 6")
    assert (out, told.splitlines()[0]) == ("6\n", "an earlier cell: Error: after")


def test_what_is_being_built_can_be_stopped(notebook: Notebook, lives: None) -> None:
    """A live component, a cell and one of a session that import what is never read to its end."""
    for number, (magic, line) in enumerate(((notebook.magics.tsx, "--live"), (notebook.magics.ts, ""), (notebook.magics.ts, "--session built"))):
        pipe = notebook.root / f"pipe{number}.{'ts' if number else 'json'}"
        notebook.ts(f"slow{number}.ts", f"import './{pipe.name}';\nexport const a = 1;")
        with stopped_when_read(pipe), pytest.raises(CellStopped):
            magic(line, f"import {{ a }} from './slow{number}';\na")
        pipe.unlink()
    assert notebook.ts("--session built", "5") == ("5\n", "")


def test_a_live_component_is_one_document_with_a_policy(notebook: Notebook, lives: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file or a cell; nothing in it ends the attribute or the script that it stands in. What cannot be bundled is an error of the cell."""
    odd = r"""{'</SCRIPT "<!--'}{String(/<!--x/u.test('<!--x') && /\<!--/.test('<!--'))}"""
    notebook.tsx("src/Card.tsx", CARD.replace("{name}</button>", f"{{name}}{odd}</button>"))
    shown: list[dict[str, str]] = []
    monkeypatch.setattr(magics, "display", lambda data, raw: shown.append(data))
    assert notebook.tsx("src/Card.tsx --live", (notebook.root / "src/Card.tsx").read_text())[0].startswith("src/Card.tsx: written")
    notebook.tsx("--live --height 9", "import { Card } from './src/Card';\n<Card name='Ada' />")
    for data, name, height in zip(shown, ("src/Card.tsx", "cell [7]"), (240, 40), strict=True):
        opening, page, closing = data["text/html"].split('"')[:-2], unescape(data["text/html"].split('"')[-2]), data["text/html"].split('"')[-1]
        assert (opening[3], opening[5], closing) == (f"Live component: {name}", "allow-scripts allow-forms", "></iframe>")
        assert opening[9].startswith(f"height:{height}px;")
        script = page.split("<script>", 1)[1].removesuffix("</script></body></html>")
        assert "</script" not in script.lower() and "<!--" not in script
        assert r"/\x3c!--x/u" in script and r"/\x3c!--/" in script
        seal = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy = f"default-src 'none'; script-src 'sha256-{seal}'; style-src 'unsafe-inline'; img-src data: blob:"
        assert policy in page and "form-action 'none'" in page
    assert failing(notebook.tsx, "--live", "import { Nope } from './nope';\n<Nope />") == 'cell [7]: Could not resolve "./nope"'
    assert failing(notebook.tsx, "--live", "const a = 1;\n<Nope").splitlines()[0].startswith("cell [7]:2:6: ")
    monkeypatch.setattr(runtimes_node, "MOST_LIVE", 1000)
    assert failing(notebook.tsx, "src/Card.tsx --live", CARD).endswith("at most 0.001 MB are shown.")
    assert notebook.tsx("--live --session", "1")[0].startswith("%%tsx: a live component belongs to no session.")
    assert len(shown) == 2
