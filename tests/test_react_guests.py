"""Trees of React in guests: components, packages, document and network are what a tree meets, in the sandbox and outside alike."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from reviewkit.harness import Answer, Calls, HttpCall, Reply, World
from reviewkit.harness.job import Launcher, Load, LoadError
from reviewkit.harness.local import LocalLauncher
from reviewkit.runtimes import nodekit, nodeplace
from reviewkit.runtimes.base import MissingRuntimeError
from reviewkit.runtimes.nodeguest import lacking_for
from reviewkit.sandbox import Level, SandboxLauncher
from reviewkit.sandbox.levels import lacking

pytestmark = pytest.mark.node

CARD = """
import { memo, useEffect, useState, type ReactElement } from 'react';
import { Kind, Person } from './kinds';
interface Props<T extends Person> { person: T; onSeen?: (name: string) => void }
function Card<T extends Person>({ person, onSeen }: Props<T>): ReactElement {
  const [team, setTeam] = useState<string | null>(null);
  useEffect(() => void fetch(`/teams?of=${person.name}`).then(async (reply) => setTeam((await reply.json()).team)), [person.name]);
  return <button aria-pressed={team !== null} onClick={() => onSeen?.(person.name)}>{person.name} {Kind.Own} {team}</button>;
}
export default memo(Card);
"""
KINDS = "export interface Person { name: string }\nexport enum Kind { Own = 'own' }\n"
PLAIN = "export const Plain = ({ text }) => <p role=\"status\">{text}</p>;\n"
DRIVER = """
import axe from 'axe-core';
import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
import React from 'react';
import Card from './src/Card';
import { Plain } from './src/Plain';
const seen: string[] = [];
export async function show(_env: any, { name }: any) {
  render(<><Card person={{ name }} onSeen={(who) => seen.push(who)} /><Plain text="plain" /></>);
  await waitFor(() => screen.getByRole('button', { pressed: true }));
  await act(async () => void fireEvent.click(screen.getByRole('button')));
  return [document.body.textContent, seen, React.version.split('.')[0], screen.getByRole('status').tagName];
}
export const faults = async () => {
  document.body.innerHTML = '<img src="x.png">';
  return (await axe.run(document.body, { runOnly: ['image-alt'] })).violations.map((found: any) => found.id);
};
export async function reach(_env: any, { kit }: any) {
  const fs = await import('node:fs');
  const tried = [() => fs.openSync(`${kit}/kit.cjs`, 'r+'), () => fs.readdirSync(`${kit}/../node_modules`), () => fs.readFileSync(`${kit}/kit.cjs`).length > 0];
  return tried.map((attempt) => { try { return attempt() ?? 'done'; } catch (error: any) { return 'refused'; } });
}
"""


def tree(folder: Path) -> Load:
    (folder / "src").mkdir()
    for name, text in (("src/Card.tsx", CARD), ("src/kinds.ts", KINDS), ("src/Plain.jsx", PLAIN), ("driver.tsx", DRIVER)):
        (folder / name).write_text(text)
    return Load(folder, ("src",), (), folder / "driver.tsx")


async def visit(launcher: Launcher, load: Load) -> tuple[list[Answer], World]:
    world = World()

    async def teams(call: HttpCall) -> Reply:
        return Reply(200, json={"team": f"team of {call.query['of']}"})

    world.http("app", teams)
    job = await launcher.launch(load, world)
    calls = Calls(job, world)
    kit = str(nodekit.kit_folder(nodeplace.require_node()))
    try:
        return [await calls.call("show", name="Ada"), await calls.call("faults"), await calls.call("reach", kit=kit)], world
    finally:
        await job.close()


SHOWN = ["Ada own team of Adaplain", ["Ada"], "19", "P"]


def test_a_component_in_an_ordinary_process(tmp_path: Path) -> None:
    """TSX, JSX and TypeScript import each other and packages; addresses are relative to the document."""
    (shown, faults, _reach), world = asyncio.run(visit(LocalLauncher(), tree(tmp_path)))
    assert (shown.value, shown.message) == (SHOWN, "")
    assert faults.value == ["image-alt"]
    assert [call.url for call in world.calls] == ["http://app/teams?of=Ada"]
    assert {path.name for path in nodekit.kit_folder(nodeplace.require_node()).iterdir()} == set(nodekit.PARTS)


@pytest.mark.sandbox
def test_a_component_in_the_sandbox(tmp_path: Path) -> None:
    """The same there; the packages can be read and not changed, what they were made of is out of sight."""
    if lacking(Level.NAMESPACES) is not None:
        pytest.skip(f"level namespaces: {lacking(Level.NAMESPACES)}")
    launcher = SandboxLauncher(Level.NAMESPACES)
    try:
        load = tree(tmp_path)
        (shown, faults, reach), _world = asyncio.run(visit(launcher, load))
        assert (shown.value, shown.message) == (SHOWN, "")
        assert faults.value == ["image-alt"]
        assert reach.value == ["refused", "refused", True]
        (tmp_path / "src" / "Card.tsx").write_text("export default () => <p>;")
        with pytest.raises(LoadError, match=r"SyntaxError"):
            asyncio.run(launcher.launch(load, World()))
    finally:
        launcher.close()


def test_without_the_packages_one_line_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trees of TypeScript alone need none of them."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    found = nodeplace.require_node()
    line = f"React and what tests it are not set up for Node {found.text}. Run: reviewkit setup node"
    assert lacking_for(Path("driver.tsx")) == line
    assert lacking_for(Path("driver.ts")) is None
    with pytest.raises(MissingRuntimeError, match="not set up"):
        asyncio.run(LocalLauncher().launch(tree(tmp_path), World()))
    folder = nodekit.kit_folder(found)
    folder.mkdir(parents=True)
    assert lacking_for(Path("driver.tsx")) == line, "an empty folder"


def test_parts_that_guests_cannot_read_count_as_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guests are another user where root starts them: a check is not run then, rather than failed; setup mends it, whatever the umask."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    found, modules = nodeplace.require_node(), tmp_path / "modules"
    folder = nodekit.kit_folder(found)
    folder.mkdir(parents=True)
    monkeypatch.setattr(nodeplace, "prepare", lambda: modules)

    def build(_node: nodeplace.Node, _modules: Path, place: Path) -> None:
        for part in nodekit.PARTS:
            (place / part).touch(0o600)

    monkeypatch.setattr(nodekit, "_build", build)
    build(found, modules, folder)
    monkeypatch.setattr(nodekit.os, "geteuid", lambda: 0)
    for lost in (folder / "axe.cjs", folder):
        nodekit._opened(folder)
        assert nodekit.require_kit(found) == folder
        lost.chmod(0o700)
        with pytest.raises(MissingRuntimeError, match="not set up"):
            nodekit.require_kit(found)
    assert (nodekit.prepare(), nodekit.require_kit(found)) == (modules, folder)
    assert {stat.S_IMODE((folder / part).stat().st_mode) for part in nodekit.PARTS} == {0o644}
    assert [path.name for path in folder.parent.iterdir()] == [folder.name], "something is left"
