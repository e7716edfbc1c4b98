"""Decorators in cells of TypeScript: injection by the types of a constructor, places of errors, and what happens without swc."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from made_cells import Notebook, failing
from typer.testing import CliRunner

from reviewkit import doctor
from reviewkit.cli import app
from reviewkit.harness import Calls, LoadError, World
from reviewkit.harness.job import Load
from reviewkit.harness.local import LocalLauncher
from reviewkit.runtimes import magics, nodeplace

pytestmark = pytest.mark.node

CONTAINER = """
import 'reflect-metadata';
type Class<T = any> = new (...args: any[]) => T;
export const Injectable = (): ClassDecorator => () => undefined;
export const Inject = (token: string): ParameterDecorator => (target, _key, index) => Reflect.defineMetadata(`token:${index}`, token, target);
/** Makes what is asked for, and first what the constructor of that asks for. */
export class Container {
  private readonly made = new Map<unknown, unknown>();
  give(token: string, value: unknown): this {
    this.made.set(token, value);
    return this;
  }
  get<T>(wanted: Class<T>): T {
    if (!this.made.has(wanted)) {
      const types: Class[] = Reflect.getMetadata('design:paramtypes', wanted) ?? [];
      const parts = types.map((type, index) => {
        const token = Reflect.getMetadata(`token:${index}`, wanted);
        return token === undefined ? this.get(type) : this.made.get(token);
      });
      this.made.set(wanted, new wanted(...parts));
    }
    return this.made.get(wanted) as T;
  }
}
"""
CLOCK = """import { Injectable } from './container';
export interface Rates { of(hour: number): number }
@Injectable() export class Clock {
  hour() { return 21; }
}
"""
ORDERS = """import { Inject, Injectable } from './container';
import { Clock, Rates } from './clock';

@Injectable()
export class Orders {
  constructor(private readonly clock: Clock, @Inject('rates') private readonly rates: Rates) {}
  price(): number {
    if (this.rates.of(0) < 0) throw new RangeError('negative');
    return 2 * this.rates.of(this.clock.hour());
  }
}
"""
USE = """import { Container } from './src/container';
import { Orders } from './src/orders';
"""


def _with_files(root: Path) -> Notebook:
    notebook = Notebook(root)
    for file, text in (("src/container.ts", CONTAINER), ("src/clock.ts", CLOCK), ("src/orders.ts", ORDERS)):
        notebook.ts(file, text)
    return notebook


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    notebook = _with_files(tmp_path_factory.mktemp("workspace"))
    yield notebook
    notebook.magics.close()


def _with_setup(folder: Path, monkeypatch: pytest.MonkeyPatch, leave: str = "") -> Iterator[Notebook]:
    """Cells on a data folder of their own with the packages that are there, but for one."""
    whole = nodeplace.modules_folder()
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
    own = nodeplace.modules_folder()
    own.mkdir(parents=True)
    for entry in whole.iterdir():
        if entry.name != leave:
            (own / entry.name).symlink_to(entry)
    (folder / "workspace").mkdir()
    notebook = _with_files(folder / "workspace")
    yield notebook
    notebook.magics.close()


@pytest.fixture
def with_own_setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    yield from _with_setup(tmp_path, monkeypatch)


@pytest.fixture
def without_swc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    yield from _with_setup(tmp_path, monkeypatch, "@swc")


def test_a_container_injects_by_the_types_of_constructors(notebook: Notebook) -> None:
    """Across files, with an interface that is imported like a class; what is thrown has its place, and the type check has nothing to say."""
    assert notebook.ts("src/orders.ts --check", ORDERS) == (f"src/orders.ts: written, {len(ORDERS.splitlines())} lines\n", "")
    assert notebook.ts("", USE + "console.log(new Container().give('rates', { of: (h: number) => h }).get(Orders).price(), Orders.name);") == ("42 Orders\n", "")
    text = failing(notebook.ts, "", USE + "\nconst bad = { of: () => -1 };\nnew Container().give('rates', bad).get(Orders).price();")
    assert text.splitlines() == ["RangeError: negative", "    at Orders.price (src/orders.ts:8:37)", "    at <anonymous> (cell [7]:5:48)"]
    own = "import { Clock } from './src/clock';\nimport { Container, Injectable } from './src/container';\n"
    own += "@Injectable() class Late { constructor(readonly clock: Clock) {} }\nconsole.log(new Container().get(Late).clock.hour());"
    assert notebook.ts("", own) == ("21\n", "")


TYPES = """
import 'reflect-metadata';
import { PathLike, statSync } from 'node:fs';
import type { Rates } from './src/clock';
import * as clocks from './src/clock';
enum Level { Low, High }
const T: any = () => undefined;
const key = Symbol('key');
class Plain {
  @T a!: string; @T b: number | null = 1; @T 'c-d'!: Date; @T declare e: Level; @T f?: Rates; @T [key]!: boolean;
  @T static g: string[] = [];
  @T h(at: clocks.Clock, of: PathLike): Promise<void> { return Promise.resolve(void of); }
  @T get i(): bigint { return 1n; }
  j(@T first: string, second: Map<string, number>) {}
  constructor(@T a: unknown, b: () => void) {}
}
const words = (types: any): string => [types].flat().map((type) => type?.name ?? String(type)).join(',');
for (const [target, name] of [...['a', 'b', 'c-d', 'e', 'f', key, 'h', 'i', 'j'].map((name) => [Plain.prototype, name]), [Plain, 'g']] as [any, string][]) {
  const [type, parameters, result] = ['type', 'paramtypes', 'returntype'].map((what) => Reflect.getOwnMetadata(`design:${what}`, target, name));
  console.log(String(name), words(type), parameters ? `(${words(parameters)})` : '', words(result));
}
console.log(words(Reflect.getMetadata('design:paramtypes', Plain)), statSync.name);
"""


def test_types_are_what_the_compiler_says_they_are(notebook: Notebook) -> None:
    """Of members, parameters and results; a type alone, of a file or of Node's own, is an object at run time."""
    said = [line.split() for line in notebook.ts("", TYPES)[0].splitlines()]
    assert said == [
        ["a", "String", "undefined"],
        ["b", "Object", "undefined"],
        ["c-d", "Date", "undefined"],
        ["e", "Number", "undefined"],
        ["f", "Object", "undefined"],
        ["Symbol(key)", "Boolean", "undefined"],
        ["h", "Function", "(Clock,Object)", "Promise"],
        ["i", "BigInt", "()", "undefined"],
        ["j", "Function", "(String,Map)", "undefined"],
        ["g", "Array", "undefined"],
        ["Object,Function", "statSync"],
    ]


HEAD = "import 'reflect-metadata';\nconst T: any = (of: any) => of;\nconst typed = (of: any) => console.log(Reflect.getMetadata('design:paramtypes', of).length);\n"


@pytest.mark.parametrize(
    "written",
    [
        "@T export class A { constructor(a: string) {} } typed(A)",
        "export @T class A { constructor(a: string) {} }\ntyped(A)",
        "let found: any; const keep: any = (of: any) => (found = of);\nexport default @keep class { constructor(a: string) {} }\ntyped(found)",
        "class A { constructor(@(() => undefined) a: string) {} } typed(A)",
        "function f() {\n      @T\n      // with a reason\n      abstract class A { constructor(a: string) {} }\n  return A;\n}\ntyped(f())",
        "const A = (() => { @ /* far */ T class A { constructor(a: string) {} } return A; })(); typed(A)",
        "@\\u0054 class A { constructor(a: string) {} }\ntyped(A)",
        "namespace N { @T export class A { constructor(a: string) {} } }\ntyped(N.A)",
    ],
)
def test_a_decorator_is_found_wherever_it_stands(notebook: Notebook, written: str) -> None:
    assert notebook.ts("", HEAD + written) == ("1\n", "")


FOOLING = """
import { screen } from '@testing-library/dom';
/** @param a @T class A {} */
const mail = 'ada@example.org', more = `@T class ${'@T()'} {}`; // @T() class B {}
const sign = /@T class/.test(mail);
const shown = <p title="@T">@T class C {'{}'}</p>;
console.log(mail, more, sign, shown.props.children.join(''), typeof screen);
"""


def test_a_sign_that_is_no_decorator_needs_no_swc(without_swc: Notebook) -> None:
    """In a text, a template, a comment, a pattern, an element, the name of a package; also in a file."""
    said = "ada@example.org @T class @T() {} false @T class C {} object\n"
    assert without_swc.tsx("", FOOLING) == (said, "")
    without_swc.tsx("src/fooling.tsx", FOOLING)
    assert without_swc.ts("", "import './src/fooling'") == (said, "")


def test_without_swc_a_cell_says_one_line_and_the_rest_goes_on(without_swc: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a cell, of a file that it imports, of a session, of a live component; doctor knows; a setup that fails takes nothing away."""
    line = "Decorators with metadata need swc, which is not set up. Run: reviewkit setup node\n"
    for magic, cell in (("", "const T: any = 1; @T class A {}"), ("", "import './src/orders'"), ("--session", "const T: any = 1; @T class A {}"), ("--live", "const T: any = 1; @T class A {}")):
        assert without_swc.tsx(magic, cell) == (line, "")
    assert without_swc.ts("", "console.log('well')") == ("well\n", "")
    assert without_swc.ts("src/plain.ts --check", "const T: any = 1; @T class A {}")[0] == "src/plain.ts: written, 1 lines\n"
    (part,) = [part for part in doctor.examine() if part.name == "TypeScript"]
    assert part.fine
    assert part.text.endswith("without swc, for decorators; run: reviewkit setup node")
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_cache", str(without_swc.root / "cache"))
    assert "could not get the packages" in str(CliRunner().invoke(app, ["setup", "node"]).exception)
    assert without_swc.ts("", "console.log('well')") == ("well\n", "")


def test_swc_unpacks_itself_into_the_data_folder(with_own_setup: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the first decorator and not before, so that one folder holds all of it; a cell sees nothing of that. One that is damaged says what to do."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    unpacked = nodeplace.modules_folder().parent / "swc"
    assert with_own_setup.tsx("", FOOLING.split("console.log")[0]) == ("", "")
    assert not unpacked.exists()
    decorated = "const T: any = () => undefined; @T class A { constructor(a: string) {} }\n"
    for _ in range(2):
        assert with_own_setup.ts("", decorated + "console.log(process.env.SWC_NATIVE_BINDING_CACHE)") == ("undefined\n", "")
    assert list(unpacked.rglob("*.node"))
    assert not (tmp_path / "cache").exists()
    with_own_setup.magics.node.close()
    packages = nodeplace.modules_folder() / "@swc"
    packages.unlink()
    for name in ("core", "core-broken"):
        (packages / name).mkdir(parents=True)
    (packages / "core-broken" / "swc.node").write_text("not one")
    assert with_own_setup.ts("", decorated)[0] == (
        f"Decorators with metadata need swc, which is there and cannot be loaded. Remove {nodeplace.modules_folder()}, then run: reviewkit setup node\n"
    )


def test_what_is_wrong_beside_a_decorator_has_its_place(notebook: Notebook) -> None:
    """Syntax, a file that is not there, types, what a decorator throws as it is made, as it is applied, to a class or to a parameter."""
    head = "const T: any = (of: any) => of;\n\n@T class A {}\n"
    assert failing(notebook.ts, "", head + "let y = = 2;").splitlines()[:2] == ['cell [7]:4:9: Unexpected "="', "    let y = = 2;"]
    assert failing(notebook.ts, "", head + "\timport { x } from './nope'; x").splitlines() == ['cell [7]:4:20: Could not resolve "./nope"', "    \timport { x } from './nope'; x", " " * 23 + "^"]
    notebook.ts("src/broken.ts", head + "class {")
    assert failing(notebook.ts, "", "import './src/broken'").startswith("src/broken.ts:4:7: Expected identifier")
    notebook.ts("src/lost.ts", head + "import { x } from './nope'; x")
    assert failing(notebook.ts, "", "import './src/lost'").startswith('src/lost.ts:4:19: Could not resolve "./nope"')
    text = failing(notebook.ts, "src/typed.ts --check", "import { Injectable } from './container';\n@Injectable() export class B { constructor(n: number) { n.nope; } }")
    assert text == "src/typed.ts(2,59): error TS2339: Property 'nope' does not exist on type 'number'."
    assert "TS1238" in failing(notebook.ts, "--check", "const wrong = (n: number): number => n;\n@wrong class A {}")
    fails = "const fails = (): any => {\n  throw new Error('lost');\n};\nconst on = (go: () => unknown): any => () => go();\n\n"
    assert failing(notebook.ts, "", fails + "  @fails()\nclass A {}").splitlines() == ["Error: lost", "    at fails (cell [7]:2:9)", "    at <anonymous> (cell [7]:6:4)"]
    notebook.ts("src/fails.ts", fails + "export class A {\n  run(\n    @on(() => fails()) a: string,\n  ) {}\n}")
    for line in ("", "--session"):
        seen = failing(notebook.ts, line, "import './src/fails'").splitlines()
        assert seen[:4] == ["Error: lost", "    at fails (src/fails.ts:2:9)", "    at <anonymous> (src/fails.ts:8:15)", "    at <anonymous> (src/fails.ts:4:46)"]
        assert all("src/fails.ts:" in frame for frame in seen[1:])


def test_a_session_shares_classes_that_are_decorated(notebook: Notebook) -> None:
    """A class is no value of its cell; an error names the cell by its own name."""

    def say(cell: str) -> str:
        return notebook.ts("--session di", cell)[0].rstrip("\n")

    assert say("import { Container, Injectable } from './src/container'; import { Orders } from './src/orders'; import { Clock, Rates } from './src/clock';") == ""
    assert say("@Injectable()\nexport class Bill { constructor(readonly orders: Orders, readonly clock: Clock) {} }") == ""
    assert say("const all = new Container().give('rates', { of: () => 3 }); all.get(Bill).orders.price()") == "6"
    assert say("@Injectable() class Twice {\n  constructor(readonly bill: Bill) {}\n  go() { throw new Error('twice'); }\n}\nall.get(Twice).bill === all.get(Bill)") == "true"
    assert failing(notebook.ts, "--session di", "\nall.get(Twice).go()").splitlines() == ["Error: twice", "    at Twice.go (cell [7]:3:16)", "    at <anonymous> (cell [7]:2:16)"]
    assert say("@Injectable() class Takes { constructor(readonly rates: Rates) {} }\nReflect.getMetadata('design:paramtypes', Takes)[0].name") == "'Object'"
    assert say("@Injectable()\nexport default class Last {}") == "[class Last]"


def test_a_live_component_can_have_decorators(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own cell and a file that it imports; a decorated class at the end is not the component."""
    shown: list[str] = []
    monkeypatch.setattr(magics, "display", lambda data, raw: shown.append(unescape(data["text/html"])))
    notebook.tsx("--live", USE + "const price = new Container().give('rates', { of: () => 4 }).get(Orders).price();\n<p>{price}</p>")
    notebook.tsx("--live", "const T: any = () => undefined;\nexport default function Shown() { return <p>shown</p>; }\n@T class Tail { constructor(n: string) {} }")
    for page, there in zip(shown, ('"design:paramtypes"', '"shown"'), strict=True):
        assert there in page
        assert "Component" in page


TRACED = """
const traced = (method: any, context: any) => function (this: any, ...args: any[]): any { return `${context?.kind ?? 'legacy'} ${method.apply?.(this, args)}`; };
class A { @traced go(n: number) { return n; } }
console.log(new A().go(5));
"""


def test_the_workspaces_own_configuration_decides(without_swc: Notebook) -> None:
    """Standard decorators, those without types, and inherited options, with what JSON does not have; for files and for the type check."""
    root = without_swc.root
    (root / "tsconfig.json").write_text('{ "compilerOptions": { "strict": true, /* as ever */ }, // standard ones\n}')
    assert without_swc.ts("", TRACED) == ("method 5\n", "")
    assert without_swc.ts("--check", TRACED)[0] == "method 5\n"
    (root / "base.json").write_text('{"compilerOptions": {"experimentalDecorators": true, "emitDecoratorMetadata": true}}')
    (root / "tsconfig.json").write_text('{"extends": "./base.json", "compilerOptions": {"emitDecoratorMetadata": false}}')
    bare = "import 'reflect-metadata';\nconst T: any = (of: any) => of;\n@T class A { constructor(a: string) {} }\nconsole.log(Reflect.getMetadata('design:paramtypes', A));"
    assert without_swc.ts("", bare) == ("undefined\n", "")
    (root / "tsconfig.json").write_text('{"extends": "./base"}')
    assert without_swc.ts("", bare)[0].startswith("Decorators with metadata need swc")
    (root / "src" / "tsconfig.json").write_text("{}")
    without_swc.ts("src/traced.ts", TRACED)
    assert without_swc.ts("", "import './src/traced'") == ("method 5\n", "")


def test_names_of_a_cell_never_meet_ours(notebook: Notebook) -> None:
    """Types were looked for in what had the name by chance, and were Object without a word."""
    (notebook.root / "src").mkdir(exist_ok=True)
    (notebook.root / "src" / "named.ts").write_text("export class Named {}\n")
    own = "".join(f"const types${number} = {{}};" for number in range(12))
    cell = "import 'reflect-metadata';\nimport { Named } from './src/named';\nconst T: any = (of: any) => of;\n@T class A { constructor(n: Named) {} }\n"
    assert notebook.ts("", f"{cell}{own}console.log(Reflect.getMetadata('design:paramtypes', A)[0].name, types$11);") == ("Named {}\n", "")


def test_a_configuration_that_is_wrong_stops_no_cell(notebook: Notebook) -> None:
    """One that extends itself ten times over, lists in lists, and values of other kinds than tsc takes; each file is read once."""
    config = notebook.root / "tsconfig.json"
    meta = '"experimentalDecorators": true, "emitDecoratorMetadata": true'
    bare = "import 'reflect-metadata';\nconst T: any = (of: any) => of;\n@T class A { constructor(a: string) {} }\nconsole.log(Reflect.getMetadata('design:paramtypes', A)?.length);"
    typed = ("1\n", "")
    try:
        itself = ", ".join(['"./tsconfig.json"'] * 10)
        config.write_text(f'{{"extends": [{itself}], "compilerOptions": {{{meta}}}}}')
        assert notebook.ts("--check", bare) == typed
        config.write_text(f'{{"extends": [["./a"], 5, null, {{}}], "compilerOptions": {{{meta}}}}}')
        assert notebook.ts("--check", bare) == typed
        config.write_text(f'{{"compilerOptions": {{{meta}, "target": 5, "useDefineForClassFields": "no"}}}}')
        assert notebook.ts("--check", bare) == typed
        plain = "const n: number = 5;\nconsole.log(n);"
        for wrong in ('"experimentalDecorators": "yes", "emitDecoratorMetadata": "yes"', '"emitDecoratorMetadata": true'):
            config.write_text(f'{{"compilerOptions": {{{wrong}}}}}')
            assert notebook.ts("--check", plain) == ("5\n", "")
    finally:
        config.unlink()


def test_fields_are_made_as_the_workspace_says(notebook: Notebook) -> None:
    """A decorator that puts an accessor onto the prototype is hidden by a field that is defined, and seen by one that is assigned."""
    cell = "const five: any = (target: any, key: string) => Object.defineProperty(target, key, { get: () => 5, set: () => undefined });\n"
    cell += "class A { @five n: number = 1; }\nconsole.log(new A().n);"
    assert notebook.ts("", cell) == ("1\n", "")
    config = notebook.root / "tsconfig.json"
    config.write_text('{"compilerOptions": {"target": "es2021", "experimentalDecorators": true, "emitDecoratorMetadata": true}}')
    try:
        assert notebook.ts("", cell) == ("5\n", "")
    finally:
        config.unlink()


DRIVER = "import { Orders } from './src/orders';\nexport const price = () => new Orders(2).price();\n"
TREE_ORDERS = """
/** Mails to ada@example.org, `@T class`; @T("is no decorator"). */
export const sign = (text: string): boolean => /^@T/.test(text) || text === '@T class {}';
DECORATED
export class Orders {
  constructor(PARAMETER private readonly each: number) {}
  price(): number { return 2 * this.each; }
}
"""


@pytest.mark.parametrize("driver", ["driver.ts", "driver.tsx"])
def test_a_tree_of_a_scenario_says_that_it_cannot_have_decorators(driver: str, tmp_path: Path) -> None:
    """In one sentence that names the file; the sign alone is fine, and what else is wrong is told as ever."""
    (tmp_path / "src").mkdir()
    (tmp_path / driver).write_text(DRIVER)

    def priced(decorated: str, parameter: str = "") -> object:
        (tmp_path / "src" / "orders.ts").write_text(TREE_ORDERS.replace("DECORATED", decorated).replace("PARAMETER", parameter))

        async def ask() -> object:
            world = World()
            job = await LocalLauncher().launch(Load(tmp_path, ("src",), (), tmp_path / driver), world)
            try:
                return (await Calls(job, world).call("price")).value
            finally:
                await job.close()

        return asyncio.run(ask())

    assert priced("") == 4
    for written in (("const T: any = 1;\n@T",), ("const T: any = 1; @T()",), ("const T: any = 1;", "@T"), ("const T: any = 1;", "@T('@')")):
        with pytest.raises(LoadError, match=r"src/orders.ts has decorators, which probes and checks cannot run: write it without them"):
            priced(*written)
    for wrong in ("const a = = 1;", "const mention = /it's (@\\w+)|[@a]/;\nconst a = (1;"):
        with pytest.raises(LoadError, match=r"SyntaxError") as caught:
            priced(wrong)
        assert "decorators" not in str(caught.value)
    (tmp_path / "src" / "other.ts").write_text("export const other = /^(@\\w+)/;\n")
    with pytest.raises(LoadError, match=r"nothing"):
        priced("import { nothing } from './other';\nexport const mention = nothing;")
    with pytest.raises(LoadError, match=r"src/orders.ts has decorators"):
        priced("import { other } from './other';\nconst T: any = other;\n@T")


def test_setup_pins_swc_for_every_system(tmp_path: Path) -> None:
    text = (nodeplace.FOLDER / "package-lock.json").read_text("utf-8")
    for system in ("darwin-arm64", "darwin-x64", "linux-x64-gnu", "linux-arm64-gnu", "linux-x64-musl", "win32-x64-msvc"):
        assert f'"node_modules/@swc/core-{system}"' in text
    assert not nodeplace.has_swc(tmp_path)
    assert nodeplace.has_swc(nodeplace.require_modules())
