"""Guests that are Java processes: honest ones pass, hostile ones get nothing, at the levels that can hold them."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import random
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import sandbox_bank
import yaml
from made_cells import GONE_SECONDS
from sandbox_bank import CANARY

from reviewkit import assess
from reviewkit.bank import Entry
from reviewkit.checks import run_hidden_checks
from reviewkit.harness import Answer, Calls, World
from reviewkit.harness.job import Load, LoadError
from reviewkit.harness.local import LocalLauncher
from reviewkit.runtimes import guests, javaarchive, javaguest, javaplace
from reviewkit.sandbox import Level, SandboxJob, SandboxLauncher
from reviewkit.sandbox.levels import lacking
from reviewkit.sandbox.reach import reach
from reviewkit.sandbox.unavailable import GuestLacksError
from reviewkit.scorecard import CheckResult

pytestmark = [pytest.mark.sandbox, pytest.mark.java]
MODULE = "src/main/java/till/Sums.java"
BUSY = os.getloadavg()[0] > 2 * (os.cpu_count() or 1) or "PYTEST_XDIST_WORKER" in os.environ
LATE = ("time_limit", "not_measured") if BUSY else ()
CPU_SECONDS = 5
"""In place of the limit that guests have, so that a loop is ended sooner."""

REFERENCE = """
package till;

import java.util.*;
import reviewkit.guest.Env;

public class Sums {
    public static Object total(List<Integer> prices) throws Exception {
        return prices.stream().mapToInt(n -> n).sum();
    }

    public static void keep(Env env, int amount) throws Exception {
        try (var db = env.dataSource("main").getConnection(); var order = db.prepareStatement("INSERT INTO kept VALUES (?)")) {
            order.setInt(1, amount);
            order.executeUpdate();
        }
    }

    public static int ask(Env env, int amount) throws Exception {
        var body = java.net.http.HttpRequest.BodyPublishers.ofString("{\\"amount\\": " + amount + "}");
        var request = java.net.http.HttpRequest.newBuilder(java.net.URI.create("https://gateway.test/ask")).POST(body).timeout(java.time.Duration.ofSeconds(2)).build();
        var reply = env.httpClient().send(request, java.net.http.HttpResponse.BodyHandlers.ofString());
        return Integer.parseInt(reply.body().replaceAll("\\\\D", ""));
    }
}
"""
DRIVER = """
import java.util.*;
import reviewkit.guest.Env;
import till.Sums;

public class Driver {
    public static Object total(List<Integer> prices) throws Exception { return Sums.total(prices); }
    public static void keep(Env env, int amount) throws Exception { Sums.keep(env, amount); }
    public static int ask(Env env, int amount) throws Exception { return Sums.ask(env, amount); }
}
"""
PRELUDE = """
package till;

import java.io.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;

public class Sums {{
    static final String RUBRIC = {rubric}, OUTSIDE = {outside}, ARCHIVE = {archive};

    static void raw(String text) throws Exception {{
        var wire = new FileDescriptor();
        var field = FileDescriptor.class.getDeclaredField("fd");
        field.setAccessible(true);
        field.setInt(wire, 3);
        byte[] data = text.getBytes();
        new FileOutputStream(wire).write(java.nio.ByteBuffer.allocate(4 + data.length).order(java.nio.ByteOrder.LITTLE_ENDIAN).putInt(data.length).put(data).array());
    }}

    @SafeVarargs
    static String tried(Callable<Object>... attempts) {{
        var said = new StringBuilder();
        for (var attempt : attempts) {{
            try {{ String value = String.valueOf(attempt.call()); said.append("DONE ").append(value); }} catch (Throwable e) {{ said.append(e.getClass().getSimpleName()); }}
            said.append(' ');
        }}
        return said.toString();
    }}

    static Object none(Object value) throws Exception {{
        if (value == null) throw new FileNotFoundException();
        return value;
    }}
"""
FAILED, STOPPED, CRASHED, MEMORY, TIME = ("failed",), ("stopped",), ("crashed",), ("memory_limit",), ("time_limit",)


def _total(body: str) -> str:
    return "public static Object total(List<Integer> prices) throws Exception {\n" + body + "\n}\n"


FIXES: dict[str, tuple[str, tuple[str, ...]]] = {
    # Forging.
    "object-that-equals-all": (_total("return new Object() { public boolean equals(Object other) { return true; } public int hashCode() { return 1; } };"), FAILED),
    "forged-replies": (
        _total('for (int n = 1; n < 60; n++) raw("[\\"l\\",\\"done\\"," + n + ",[\\"d\\",\\"value\\",1]]");\nThread.sleep(1000); return 1;'), STOPPED),
    "exit-at-load": ("static { System.exit(0); }\n" + _total("return 1;"), CRASHED + FAILED),
    # Leaking and escaping.
    "reads-and-writes": (
        _total("""return tried(() -> Files.readString(Path.of(RUBRIC, "checks.py")), () -> none(new File(RUBRIC).list()),
        () -> Files.readString(Path.of("/etc/passwd")), () -> Files.readString(Path.of("/proc/self/environ")), () -> none(new File("/stage").list()),
        () -> none(new File("/root").list()), () -> new FileInputStream("/dev/mem").read(), () -> Files.writeString(Path.of(OUTSIDE, "left"), "x"),
        () -> Files.writeString(Path.of("/tree/left"), "x"), () -> Files.writeString(Path.of("/tmp/left"), "x"), () -> Files.createDirectory(Path.of("/usr/lib/left")),
        () -> new FileOutputStream(ARCHIVE, true), () -> Files.delete(Path.of(ARCHIVE)), () -> Files.writeString(Path.of(ARCHIVE).resolveSibling("left"), "x"));"""), FAILED),
    "programs-and-network": (
        _total("""return tried(() -> new ProcessBuilder("/bin/true").start(), () -> Runtime.getRuntime().exec(System.getProperty("java.home") + "/bin/java"),
        () -> new java.net.Socket("127.0.0.1", 22), () -> new java.net.ServerSocket(0), () -> new java.net.DatagramSocket(), () -> java.net.InetAddress.getByName("example.org"),
        () -> java.nio.channels.SocketChannel.open(java.net.UnixDomainSocketAddress.of("/run/x.sock")), () -> ProcessHandle.of(1).get().destroyForcibly() ? 1 : none(null),
        () -> { Files.copy(Path.of("/usr/lib/x86_64-linux-gnu/libm.so.6"), Path.of("/scratch/a.so")); System.load("/scratch/a.so"); return 1; });"""), FAILED + CRASHED),
    # Exhausting.
    "endless-load": ("static { for (int n = 0; n >= 0; n = 0) {} }\n" + _total("return 1;"), TIME),
    "heap": (_total("var held = new ArrayList<long[]>(); for (;;) held.add(new long[1 << 20]);"), MEMORY),
    "buffers": (_total("var held = new ArrayList<Object>(); for (;;) held.add(java.nio.ByteBuffer.allocateDirect(1 << 24));"), FAILED + MEMORY),
    "large-reply": (_total('return "x".repeat(5_000_000);'), FAILED),
}  # fmt: skip


@pytest.fixture(scope="module")
def entry(tmp_path_factory: pytest.TempPathFactory) -> Entry:
    """The till of the other sandbox tests, in Java."""
    made = sandbox_bank.make_bank(tmp_path_factory.mktemp("bank"))
    assert made.rubric_folder is not None
    for tree, source in ((made.folder / "head", REFERENCE.replace("sum()", "sum() + 1")), (made.rubric_folder / "reference", REFERENCE)):
        shutil.rmtree(tree / "till")
        (tree / MODULE).parent.mkdir(parents=True)
        (tree / MODULE).write_text(source)
    for place in (made.folder / "scenario.yaml", made.rubric_folder / "rubric.yaml"):
        place.write_text(place.read_text().replace("till/sums.py", MODULE).replace("sum(prices) + 1", "sum() + 1"))
    scenario = yaml.safe_load((made.folder / "scenario.yaml").read_text()) | {"packages": [], "languages": ["java"], "modules": ["src"]}
    (made.folder / "scenario.yaml").write_text(yaml.safe_dump(scenario))
    (made.folder / "harness" / "driver.py").unlink()
    (made.folder / "harness" / "Driver.java").write_text(DRIVER)
    return Entry("till", made.folder, made.rubric_folder)


@pytest.fixture(scope="module")
def launcher() -> Iterator[SandboxLauncher]:
    reason = lacking(Level.NAMESPACES)
    if reason is not None:
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(javaguest, "CPU_SECONDS", CPU_SECONDS)
        reach.cache_clear()
        launcher = SandboxLauncher(Level.NAMESPACES)
        yield launcher
        launcher.close()
        reach.cache_clear()


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


def hostile(text: str, entry: Entry, outside: Path) -> str:
    head = PRELUDE.format(rubric=_quoted(entry.rubric_folder), outside=_quoted(outside), archive=_quoted(javaguest.prepare().archive))
    return head + text + REFERENCE[REFERENCE.index("    public static void keep") :].replace("Env env", "reviewkit.guest.Env env")


def _quoted(path: Path | None) -> str:
    return f'"{path}"'


def test_an_honest_fix_passes_and_the_change_as_proposed_does_not(entry: Entry, launcher: SandboxLauncher) -> None:
    """Requests and statements reach the world; what does not compile fails with its place; the scorecard names the profile."""
    assert assess._level(launcher, entry) == "namespaces-java"
    results = run(entry, launcher, REFERENCE)
    assert {result.outcome for result in results.values()} == {"passed"}, results
    assert first(entry, launcher, REFERENCE.replace("sum()", "sum() + 1")).outcome == "failed"
    broken = first(entry, launcher, REFERENCE.replace("sum()", "sum("))
    assert (broken.outcome, f"{MODULE}:9:" in broken.seen) == ("failed", True), broken


def test_randomness_is_the_systems_own(entry: Entry, launcher: SandboxLauncher) -> None:
    """A guest has no /dev/random; Java would spin threads for seconds to gather what it takes for chance, in every guest that makes an id."""
    own = 'if (!new java.security.SecureRandom().getAlgorithm().equals("NativePRNG") || java.security.SecureRandom.getSeed(4).length != 4) return 0;'
    result = first(entry, launcher, REFERENCE.replace("return prices.stream()", f"{own}\n        return prices.stream()"))
    assert result.outcome == "passed", result


LOADED = """String said = Files.readString(Path.of("/scratch/loaded"));
        if (!said.contains("reviewkit.guest.Codec source: shared objects file (top)")) return said.length();
        """


def test_guests_map_their_classes_from_the_archive_and_do_without_one(entry: Entry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Java itself says where a class came from. An archive that is missing or is none changes no verdict."""
    if lacking(Level.NAMESPACES) is not None:
        pytest.skip("no namespaces")
    told = REFERENCE.replace("return prices.stream()", LOADED + "return prices.stream()").replace("import java.util.*;", "import java.util.*;\nimport java.nio.file.*;")
    plain, made, spoilt = javaguest.command, javaguest.prepare().archive, tmp_path / "spoilt.jsa"
    tmp_path.chmod(0o755)
    spoilt.write_bytes(b"no archive" * 1000)
    monkeypatch.setattr(javaguest, "command", lambda parts, scratch="/scratch": (*plain(parts, scratch)[:1], "-Xlog:class+load:file=/scratch/loaded", *plain(parts, scratch)[1:]))
    for archive, outcome in ((made, "passed"), (None, "failed"), (spoilt, "failed")):
        monkeypatch.setattr(javaarchive, "found", lambda *_parts, found=archive: found)
        monkeypatch.setattr(javaarchive, "made", lambda *_parts: None)
        reach.cache_clear()
        launcher = SandboxLauncher(Level.NAMESPACES)
        try:
            assert first(entry, launcher, told).outcome == outcome
            assert {result.outcome for result in run(entry, launcher, REFERENCE).values()} == {"passed"}
        finally:
            launcher.close()
            reach.cache_clear()


def test_a_tree_is_compiled_once_for_its_own_guests_alone(entry: Entry, launcher: SandboxLauncher, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first guest is asked before it has loaded anything. Another tree is compiled anew; what does not compile says so in each guest."""
    asked: list[str] = []
    ask = SandboxJob.ask

    async def heard(job: SandboxJob, op: str, payload: dict[str, object], timeout: float) -> dict[str, object]:
        asked.append(op if op != "load" or "classes" in payload else "load anew")
        return await ask(job, op, payload, timeout)

    monkeypatch.setattr(SandboxJob, "ask", heard)
    guests_of_a_tree = len(run(entry, launcher, REFERENCE))
    assert [asked.count(op) for op in ("compile", "load", "load anew")] == [1, guests_of_a_tree, 0]
    assert asked.index("compile") < asked.index("load") < asked.index("call")
    assert run(entry, launcher, REFERENCE.replace("sum()", "sum() + 1"))["adds-up"].outcome == "failed"
    assert [asked.count(op) for op in ("compile", "load", "load anew")] == [2, 2 * guests_of_a_tree, 0]
    results = run(entry, launcher, REFERENCE.replace("sum()", "sum(")).values()
    assert {(result.outcome, f"{MODULE}:9:" in result.seen) for result in results} == {("failed", True)}, results
    assert [asked.count(op) for op in ("compile", "load anew")] == [3, guests_of_a_tree]
    words = "".join(f'static final String W{n} = "{random.Random(n).randbytes(24_000).hex()}";\n' for n in range(40))
    large = REFERENCE.replace("public class Sums {", "public class Sums {\n" + words)
    assert first(entry, launcher, large).outcome == "passed"
    assert asked[-4:] == ["compile", "load anew", "call", "close"]


@pytest.mark.parametrize("name", FIXES)
def test_a_hostile_fix_gets_nothing(name: str, entry: Entry, launcher: SandboxLauncher, outside: Path) -> None:
    """Its check ends as it should, nothing leaks into a result, nothing is left outside."""
    body, outcomes = FIXES[name]
    archive = javaguest.prepare().archive
    assert archive is not None
    before = archive.stat()
    result = first(entry, launcher, hostile(body, entry, outside))
    assert result.outcome in (*outcomes, *LATE), result
    assert CANARY not in result.seen and "root:" not in result.seen and "DONE" not in result.seen, result
    assert len(result.seen) <= 500 and result.seen.isprintable(), result
    assert list(outside.iterdir()) == []
    after = archive.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)


def test_without_its_parts_checks_are_not_run(entry: Entry, launcher: SandboxLauncher, monkeypatch: pytest.MonkeyPatch) -> None:
    """No JDK, or a level that cannot hold one: a reason, never a bare run, never zero points."""
    monkeypatch.setattr(javaplace, "find_jdk", lambda: None)
    lost = first(entry, launcher, REFERENCE)
    assert (lost.outcome, "Java is not on this machine" in lost.seen) == ("not_run", True), lost
    driver = entry.folder / "harness" / "Driver.java"
    assert (guests.profile(driver), guests.lacking_for(driver)) == ("java", f"Java is not on this machine. {javaplace.INSTALL}")
    monkeypatch.undo()
    if lacking(Level.SECCOMP) is None:
        low = SandboxLauncher(Level.SECCOMP)
        try:
            assert first(entry, low, REFERENCE).outcome == "not_run"
        finally:
            low.close()


@pytest.fixture
def public_data() -> Iterator[Path]:
    """A data folder that every user can get to; not below pytest's own folder, which each start of pytest closes to others."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder).chmod(0o755)
        patch.setenv("XDG_DATA_HOME", folder)
        yield Path(folder)


def test_the_same_at_level_landlock(entry: Entry, outside: Path, public_data: Path) -> None:
    """Where Java and our classes lie where every user can get to them; nothing can be written there at all."""
    if lacking(Level.LANDLOCK) is not None:
        pytest.skip("no landlock")
    reach.cache_clear()
    launcher = SandboxLauncher(Level.LANDLOCK)
    try:
        honest = first(entry, launcher, REFERENCE)
        if honest.outcome == "not_run":
            pytest.skip(honest.seen)
        assert honest.outcome == "passed", honest
        for name in ("reads-and-writes", "programs-and-network"):
            test_a_hostile_fix_gets_nothing(name, entry, launcher, outside)
    finally:
        launcher.close()
        reach.cache_clear()


SPRING = """
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.springframework.context.annotation.*;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import reviewkit.guest.Env;
import shop.Stock;

public class Driver {
    @Configuration @ComponentScan("shop") @EnableTransactionManagement
    public static class Config {}

    public static void setup(Env env) {
        var context = new AnnotationConfigApplicationContext();
        var source = env.dataSource("main");
        context.registerBean(JdbcTemplate.class, () -> new JdbcTemplate(source));
        context.registerBean(DataSourceTransactionManager.class, () -> new DataSourceTransactionManager(source));
        context.register(Config.class);
        context.refresh();
        env.state.put("stock", context.getBean(Stock.class));
    }
    public static int one(Env env, int count) { return ((Stock) env.state.get("stock")).one(count); }
    public static void all(Env env, int count) { ((Stock) env.state.get("stock")).all(count); }
    public static Object found() throws Exception {
        var resolver = new PathMatchingResourcePatternResolver();
        var text = resolver.getResource("classpath:shop.txt").getContentAsString(StandardCharsets.UTF_8);
        var names = new ArrayList<String>();
        for (var pattern : List.of("classpath*:shop/*.class", "classpath:shop/Stock.class")) names.add(resolver.getResources(pattern)[0].getFilename());
        return List.of(text, names, resolver.getResources("classpath*:sh*.txt").length + resolver.getResources("classpath*:**/Stock.class").length);
    }
}
"""
STOCK = """
package shop;

import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

@Service
public class Stock {
    private final JdbcTemplate db;

    public Stock(JdbcTemplate db) { this.db = db; }

    @Transactional
    public int one(int count) {
        db.update("INSERT INTO kept VALUES (?)", count);
        if (count > 5) throw new IllegalArgumentException("out of stock");
        return db.queryForObject("SELECT count(*) FROM kept WHERE id >= ?", Integer.class, 0);
    }

    public void all(int count) { one(count); }
}
"""


@pytest.mark.spring
def test_spring_runs_in_a_guest_on_the_worlds_database(launcher: SandboxLauncher, tmp_path: Path) -> None:
    """Components are found, transactions are the world's; a call within the bean goes round its proxy, so that its row stays.

    The same at level landlock, where nothing can be written: Spring finds components among classes in memory. Resources of the tree are found, too.
    """
    (tmp_path / "src/main/java/shop").mkdir(parents=True)
    (tmp_path / "src/main/java/shop/Stock.java").write_text(STOCK)
    (tmp_path / "Driver.java").write_text(SPRING)
    load = Load(tmp_path, ("src",), (), tmp_path / "Driver.java")

    (tmp_path / "src/main/resources").mkdir()
    (tmp_path / "src/main/resources/shop.txt").write_text("kept as it is")

    async def run(launcher: SandboxLauncher) -> list[object]:
        world = World()
        database = world.database("main", "CREATE TABLE kept (id INTEGER)")
        job = await launcher.launch(load, world)
        calls = Calls(job, world)
        seen: list[object] = []
        for name, count in (("one", 9), ("one", 1), ("all", 9)):
            answer = await calls.call(name, timeout=30, count=count)
            seen += [answer.value, answer.message, database.rows("SELECT id FROM kept")]
        found = await calls.call("found")
        await job.close()
        world.close()
        return [*seen, found.value]

    expected = [None, "out of stock", [], 1, "", [(1,)], None, "out of stock", [(1,), (9,)], ["kept as it is", ["Stock.class", "Stock.class"], 2]]
    assert asyncio.run(run(launcher)) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(javaguest, "libraries", list)
        assert javaguest.lacking_for(load.driver) == f"Spring Boot and its libraries are not set up. Run: {javaplace.SETUP}"
    if lacking(Level.LANDLOCK) is not None:
        return
    reach.cache_clear()
    low = SandboxLauncher(Level.LANDLOCK)
    try:
        assert asyncio.run(run(low)) == expected
    except GuestLacksError as error:  # as root, where not every user can get to the data folder
        pytest.skip(str(error))
    finally:
        low.close()
        reach.cache_clear()


LOCAL = """
import java.util.*;
import reviewkit.guest.Env;

public class Driver {
    record Order(String id, long cents) {}
    public static void setup(Env env) { env.state.put("ready", true); }
    public static Object same(Env env, Object value) { return env.state.get("ready") == Boolean.TRUE ? value : null; }
    public static Object typed(long n, double share, List<Long> all, Map<String, Double> by) { return List.of(n + 1, share, all.get(0) + 1, by.get("a"), new Order("ä", 5)); }
    public static Object rows(Env env) throws Exception {
        var said = new ArrayList<Object>();
        try (var db = env.dataSource("main").getConnection(); var order = db.prepareStatement("INSERT INTO kept VALUES (?, ?)")) {
            db.setAutoCommit(false);
            for (boolean kept : new boolean[] {false, true}) {
                order.setInt(1, 1);
                order.setString(2, "größer");
                said.add(order.executeUpdate());
                if (kept) db.commit(); else db.rollback();
            }
            try { order.executeUpdate(); } catch (java.sql.SQLIntegrityConstraintViolationException e) { said.add(e.getSQLState()); }
            db.rollback();
            db.setAutoCommit(true);
            try (var all = db.createStatement().executeQuery("SELECT id, word, NULL AS gone FROM kept")) {
                while (all.next()) said.add(Arrays.asList(all.getInt("id"), all.getLong(1), all.getString("WORD"), all.getObject("gone"), all.wasNull()));
            }
            try { db.prepareCall("x"); } catch (java.sql.SQLFeatureNotSupportedException e) { said.add(e.getMessage()); }
        }
        try (var db = env.connect("main")) { said.add(db.execute("SELECT id FROM kept").rows()); }
        return said;
    }
    public static Object refused() { return new Object(); }
    public static void loop(Env env) { env.emit("up", Map.of("pid", ProcessHandle.current().pid())); for (;;) {} }
}
"""
LOOPING = """
import asyncio, sys
from pathlib import Path
from reviewkit.harness import World
from reviewkit.harness.job import Load
from reviewkit.harness.local import LocalLauncher
async def main():
    world = World()
    job = await LocalLauncher().launch(Load(Path(sys.argv[1]), ("src",), (), Path(sys.argv[1], "Driver.java")), world)
    asked = asyncio.create_task(job.ask("call", {"name": "loop", "kwargs": {}}, 600))
    while not world.facts:
        await asyncio.wait({asked}, timeout=0.05)
    print(world.facts[0][1]["pid"], flush=True)
    await asked
asyncio.run(main())
"""


def test_exact_values_cross_to_a_tree_and_back(tmp_path: Path) -> None:
    """In a process of this machine's own, as probes and public checks have it; numbers arrive in the type that a method declares; JDBC."""
    (tmp_path / "Driver.java").write_text(LOCAL)
    values = [None, True, 0, -1, 2**53 + 1, -(2**70), 0.5, -0.0, 1e300, 5e-324, float("inf"), "ä\U0001f600\n", b"\x00\xff", [], [[1]], {"a": {}}, Decimal("1.50")]
    moment = dt.datetime(2024, 2, 29, 12, 30, 15, 250_000, tzinfo=dt.UTC)

    async def run() -> list[Answer]:
        world = World()
        world.database("main", "CREATE TABLE kept (id INTEGER PRIMARY KEY, word TEXT)")
        job = await LocalLauncher().launch(Load(tmp_path, ("src",), (), tmp_path / "Driver.java"), world)
        calls = Calls(job, world)
        typed = {"n": 1, "share": 1, "all": [1], "by": {"a": 2}}
        asked = [("same", {"value": values}), ("same", {"value": moment}), ("typed", typed), ("refused", {}), ("same", {}), ("_none", {}), ("rows", {})]
        answers = [await calls.call(name, **named) for name, named in asked]
        await job.close()
        world.close()
        return answers

    many, when, typed, refused, lacks, unknown, rows = asyncio.run(run())
    assert many.value == values
    assert [type(value) for value in many.value] == [type(value) for value in values]
    assert (str(many.value[7]), when.value) == ("-0.0", moment)
    assert typed.value == [2, 1.0, 2, 2.0, {"id": "ä", "cents": 5}]
    assert refused.error == "NotPlainError"
    assert lacks.message == "same needs 'value'"
    assert unknown.message == "the driver has no method '_none'"
    refusal = "Connection.prepareCall is not there on a database of the world"
    assert rows.value == [1, 1, "23000", [1, 1, "größer", None, True], refusal, [{"id": 1}]], rows
    (tmp_path / "Driver.java").write_text("class Driver { int n = (; }")
    with pytest.raises(LoadError, match=r"Driver.java:1: illegal start"):
        asyncio.run(run())


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="looks at processes by pidfd")
def test_a_tree_in_a_loop_does_not_outlive_its_kernel(tmp_path: Path) -> None:
    (tmp_path / "Driver.java").write_text(LOCAL)
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", LOOPING, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment) as kernel:
        assert kernel.stdout is not None
        fd = os.pidfd_open(int(kernel.stdout.readline()))
        assert list(tmp_path.glob("reviewkit-java-guest-*"))
        kernel.kill()
        assert select.select([fd], [], [], GONE_SECONDS)[0], "still there"
        os.close(fd)
    assert not list(tmp_path.glob("reviewkit-java-guest-*"))
