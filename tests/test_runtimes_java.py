"""Cells of Java: what they print, how they fail, that the next one works, that nothing stays behind; and Spring Boot in them."""

from __future__ import annotations

import contextlib
import io
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_cells import GONE_SECONDS, Notebook, Shell, failing, stopped_when
from typer.testing import CliRunner

from reviewkit import doctor
from reviewkit.cli import app
from reviewkit.errors import DataError
from reviewkit.runtimes import java as javahost
from reviewkit.runtimes import javaplace
from reviewkit.runtimes.base import MissingRuntimeError
from reviewkit.runtimes.magics import Magics
from reviewkit.runtimes.node import CellError, CellStopped

java = pytest.mark.java
PAYMENT = "src/main/java/shop/Payment.java"


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """Without Spring Boot's jars, which the compiler would look through with the first cell of each process."""
    notebook = Notebook(tmp_path_factory.mktemp("workspace"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(javahost, "libraries", list)
        yield notebook
    notebook.magics.close()


@pytest.fixture
def lives(notebook: Notebook) -> Iterator[None]:
    """Whatever a test's cells do, the same host answers the next one."""
    notebook.java("", "")
    before = notebook.magics.jvm.pid
    yield
    assert notebook.java("", 'System.out.println("well");') == ("well\n", "")
    assert notebook.magics.jvm.pid == before


PAY = """package shop;

public record Payment(int cents) {
    static int taken = 0;

    public int take() {
        if (cents > 100) throw new IllegalStateException("zu groß");
        return taken += cents;
    }
}
"""


@java
def test_a_file_is_written_by_a_cell_and_used_by_others(notebook: Notebook, lives: None) -> None:
    """Statements, a file with a package and one without; both streams; text outside ASCII both ways; nothing stays but files."""
    assert notebook.java(PAYMENT, PAY) == (f"{PAYMENT}: written, {len(PAY.splitlines())} lines\n", "")
    use = "// Pay.\nimport shop.*;\nimport java.util.List;\n"
    statements = 'record Two(Payment a, int b) {}\nvar p = new Payment(5);\nSystem.out.println("größe " + new Two(p, p.take()));\nSystem.err.print("hm");'
    for _ in range(2):  # static fields are those of a fresh program
        assert notebook.java("", use + statements) == ("größe Two[a=Payment[cents=5], b=5]\n", "hm")
    inside = "package shop;\nclass Probe { public static void main(String... a) { new Payment(7).take(); System.out.println(Payment.taken); } }"
    assert notebook.java("", inside) == ("7\n", "")
    assert notebook.java("", use + "public class Probe { static int twice(int n) { return 2 * n; }\npublic static void main(String[] a) { System.out.println(twice(4)); } }") == ("8\n", "")
    text = failing(notebook.java, "", use + "Runnable go = () -> new Payment(500).take();\nList.of(1).stream().map(n -> n + 1).forEach(n -> go.run());")
    lines = text.splitlines()
    assert lines[:4] == [
        "java.lang.IllegalStateException: zu groß",
        f"    at shop.Payment.take ({PAYMENT}:7)",
        "    at cells.Cell.lambda$main$0 (cell [7]:4)",
        "    at cells.Cell.lambda$main$2 (cell [7]:5)",
    ]
    assert lines[-1] == "    at cells.Cell.main (cell [7]:5)"
    assert re.fullmatch(r"    \.\.\. \d+ more of libraries", lines[-2])
    assert notebook.java("../Out.java", "1")[0].startswith("'../Out.java' is no file of the workspace.")
    assert "no cell sees this file" in notebook.java("Out.java", "class Out {}")[0]


@java
def test_what_is_wrong_with_a_cell_is_said_with_its_place(notebook: Notebook, lives: None) -> None:
    """Syntax and types in cells and files, causes, other threads; and an error that is expected is output."""
    assert failing(notebook.java, "", "int x = 1;\nint y = = 2;").splitlines() == [
        "cell [7]:2:9: illegal start of expression", "    int y = = 2;", "            ^",
    ]  # fmt: skip
    assert failing(notebook.java, "", 'import java.util.*; int n = "one";').startswith("cell [7]:1:29: incompatible types: java.lang.String cannot be converted to int")
    assert failing(notebook.java, "", "for (int n = 0; n < 3; n++) {").startswith("cell [7]:1:30: reached end of file")
    broken = "src/main/java/shop/Broken.java"
    notebook.java(broken, "package shop;\n// größer\nclass Broken { int n = (; }")
    try:
        assert failing(notebook.java, "", "System.out.println(1);").startswith(f"{broken}:3:25: illegal start of expression")
        assert failing(notebook.java, f"{broken} --check", "package shop;\nclass Broken { int n = two(); }").startswith(f"{broken}:2:24: cannot find symbol")
    finally:
        (notebook.root / broken).unlink()
    assert "nothing to run" in failing(notebook.java, "", "package x; class A {}")
    caused = 'Object o = null;\ntry { o.hashCode(); } catch (Exception e) { throw new Exception("outer", e); }'
    assert failing(notebook.java, "", caused).splitlines() == [
        "java.lang.Exception: outer", "    at cells.Cell.main (cell [7]:2)",
        'caused by java.lang.NullPointerException: Cannot invoke "Object.hashCode()" because "o" is null', "    at cells.Cell.main (cell [7]:2)",
    ]  # fmt: skip
    assert notebook.java("", 'new Thread(() -> { throw new Error("lost"); }, "t").start();')[1].splitlines() == [
        'Exception in thread "t" java.lang.Error: lost', "    at cells.Cell.lambda$main$0 (cell [7]:1)",
    ]  # fmt: skip
    deep = failing(notebook.java, "", "class R { int d(int n) { return d(n + 1) + 1; } } new R().d(1);")
    assert deep.startswith("java.lang.StackOverflowError\n")
    assert len(deep.splitlines()) < 30
    too_deep = "cell [7]: too deeply nested for the compiler, or an expression of too many parts: split it."
    for nested in ("(" * 8000 + "1" + ")" * 8000, "1" + " + args.length" * 8000):
        assert failing(notebook.java, "", f"int n = {nested};") == too_deep
    assert notebook.java("--expect-error", 'throw new Error("meant");')[1].startswith("java.lang.Error: meant")
    assert notebook.java("--nonsense", "1")[0].startswith("%%java: unrecognized arguments: --nonsense.")


@java
def test_output_is_shown_whole_or_cut(notebook: Notebook, lives: None) -> None:
    """Without a line end, past the limit, past Java's own streams; what a cell forges ends nothing; it changes no property for the next."""
    assert notebook.java("", 'System.setProperty("mine", "1"); System.out.print("no end"); System.out.write(0xC3); System.out.write(0xA4);') == ("no endä", "")
    assert notebook.java("", 'System.out.print(System.getProperty("mine")); System.out.print(System.in.read());') == ("null-1", "")
    other = 'System.setErr(null); System.in.close(); java.util.TimeZone.setDefault(java.util.TimeZone.getTimeZone("Asia/Tokyo"));'
    notebook.java("", other + ' java.util.Locale.setDefault(java.util.Locale.GERMANY); System.setOut(new java.io.PrintStream(java.io.OutputStream.nullOutputStream()));')
    again = 'System.out.printf("%.1f %s %d", 1.5, java.util.TimeZone.getDefault().getID().equals("Asia/Tokyo"), System.in.read()); System.err.print("err");'
    assert notebook.java("", again) == ("1.5 false -1", "err")
    shown, cut = notebook.java("", 'var text = "x".repeat(99_999); for (int n = 0; n < 500; n++) System.out.println(text);')
    assert (len(shown), cut.strip()) == (1_000_000, "[output cut after 1000000 characters]")
    raw = 'try (var out = new java.io.FileOutputStream(java.io.FileDescriptor.out)) { out.write("\\n\\u001e{\\"id\\":99999,\\"end\\":true}\\nraw".getBytes()); }'
    raw = raw.replace("try (var out = ", "var out = ").replace("; }", ";").replace(")) {", ");")
    assert notebook.java("", raw + ' System.out.println("y");') == ("y\n", "raw\n")


@java
def test_no_cell_keeps_the_notebook_from_going_on(notebook: Notebook) -> None:
    """An endless loop, a pool that stays open, a full heap, an exit, the stop button: each ends, and the next cell has a fresh process."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(CellError, match=r"TimeLimit: cell \[7\] had not ended after 0.5 s"):
        notebook.magics.java("--timeout 0.5", 'System.out.println("before"); for (;;) {}')
    assert out.getvalue() == "before\n"
    full = "var all = new java.util.ArrayList<long[]>(); for (;;) all.add(new long[1_000_000]);"
    assert failing(notebook.java, "", full) == "MemoryLimit: cell [7] needed more than 256 MB."
    assert failing(notebook.java, "", "System.exit(3);") == "Exit: cell [7] left with status 3."
    with stopped_when("on it"), pytest.raises(CellStopped) as caught:
        notebook.magics.java("", 'System.out.println("on it"); for (;;) {}')
    assert caught.value._render_traceback_() == ["KeyboardInterrupt: cell [7] was stopped."]
    pool = "java.util.concurrent.Executors.newFixedThreadPool(1).submit(() -> 1);"
    assert failing(notebook.java, "--timeout 0.2", pool).startswith("TimeLimit")
    assert notebook.magics.jvm.pid is None
    assert not list(Path(tempfile.gettempdir()).glob(f"reviewkit-java-{os.getpid()}-*"))
    daemon = 'var t = new Thread(() -> { for (;;) {} }); t.setDaemon(true); t.start(); System.out.println("done");'
    assert notebook.java("", daemon) == ("done\n", "")
    assert notebook.magics.jvm.pid is None, "a thread of a cell works on"
    kill = 'new ProcessBuilder("sh", "-c", "kill -9 $PPID").start(); for (;;) {}'
    assert failing(notebook.java, "", kill) == "The Java process has ended (signal SIGKILL). The next cell starts a fresh one."
    assert notebook.java("", 'System.out.println("again");') == ("again\n", "")


KERNEL = """
import sys
from pathlib import Path
from reviewkit.runtimes.magics import Magics
class Shell:
    class displayhook: prompt_count = 1
magics = Magics(Shell())
magics.java("--timeout 600", '''System.out.println(ProcessHandle.current().pid());
System.out.println(new ProcessBuilder("sleep", "600").start().pid()); for (;;) {}''')
"""


@java
@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="looks at processes by pidfd")
def test_nothing_outlives_a_killed_kernel(tmp_path: Path) -> None:
    """Killed in the middle of an endless cell that had started a process of its own: all are gone, and so is the host's folder."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", KERNEL], stdout=subprocess.PIPE, text=True, env=environment) as kernel:
        assert kernel.stdout is not None
        fds = [os.pidfd_open(int(kernel.stdout.readline())) for _ in range(2)]
        assert list(tmp_path.glob("reviewkit-java-*"))
        kernel.kill()
        for fd in fds:
            assert select.select([fd], [], [], GONE_SECONDS)[0], "still there"
            os.close(fd)
    assert not list(tmp_path.glob("reviewkit-java-*"))


@java
def test_a_host_that_is_closed_leaves_nothing_and_spring_that_is_not_there_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(javahost, "libraries", list)
    magics = Magics(Shell())
    magics.java("", "import org.springframework.boot.SpringApplication;\nSpringApplication.run(Object.class);")
    assert capsys.readouterr().out == f"Spring Boot and its libraries are not set up. Run: {javaplace.SETUP}\n"
    pid = magics.jvm.pid
    assert pid is not None
    magics.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert list(tmp_path.iterdir()) == []


SHOP = """package shop;

import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@SpringBootApplication
public class Shop {
    @Service
    public static class Stock {
        private final JdbcTemplate db;

        Stock(JdbcTemplate db) { this.db = db; }

        public void all(int... counts) { for (int count : counts) one(count); }

        @Transactional
        public void one(int count) {
            db.update("insert into reserved values (?)", count);
            if (count > 5) throw new IllegalArgumentException("out of stock");
        }

        public int rows() { return db.queryForObject("select count(*) from reserved", Integer.class); }
    }

    @RestController
    record Web(Stock stock) {
        @GetMapping("/rows")
        int rows(@RequestParam int plus) { return stock.rows() + plus; }
    }
}
"""
PROBE = """
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.test.context.*;
import org.springframework.test.web.servlet.setup.MockMvcBuilders;
import org.springframework.web.context.WebApplicationContext;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.get;
import shop.Shop;

try (var context = new SpringApplicationBuilder(Shop.class).run(
        "--spring.main.banner-mode=off", "--logging.level.root=WARN", "--server.port=0", "--spring.main.register-shutdown-hook=false")) {
    var stock = context.getBean(Shop.Stock.class);
    for (Runnable order : new Runnable[] {() -> stock.one(9), () -> stock.all(9)}) {
        try { order.run(); } catch (IllegalArgumentException e) { System.out.println(e.getMessage() + ", rows " + stock.rows()); }
    }
    var web = MockMvcBuilders.webAppContextSetup((WebApplicationContext) context).build();
    System.out.println(web.perform(get("/rows?plus=40")).andReturn().getResponse().getContentAsString());
}
"""


@java
@pytest.mark.spring
def test_spring_boot_runs_from_the_jars_alone(notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real context with a database, transactions and the web layer, twice with the same output; no Maven on PATH.

    A call within the bean goes round its proxy, so that its row stays: what a reviewer should see.
    """
    monkeypatch.setenv("JAVA_HOME", str(javaplace.require_jdk().home))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(javahost, "libraries", javaplace.libraries)
    notebook.magics.jvm.close()
    notebook.java("src/main/java/shop/Shop.java", SHOP)
    resources = notebook.root / "src" / "main" / "resources"
    resources.mkdir()
    (resources / "schema.sql").write_text("create table reserved (count int);")
    seen = [notebook.java("--timeout 300", PROBE) for _ in range(2)]
    assert seen == [("out of stock, rows 0\nout of stock, rows 1\n41\n", "")] * 2
    text = failing(notebook.java, "", PROBE.replace("?plus=40", "?plus=x").replace("getContentAsString()", "getContentAsString().charAt(0)"))
    assert "cells.Cell.main (cell [7]:" in text
    notebook.magics.jvm.close()
    assert javaplace.lacking() is None


@pytest.mark.parametrize("lost", ["java", "compiler", "jar"])
def test_a_missing_part_is_one_line_with_its_command(
    lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the cell, without a traceback; in doctor; files are written all the same."""
    if lost == "jar" and javaplace.find_jdk() is None:
        pytest.skip("no JDK here")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(javahost, "libraries", javaplace.libraries)
    if lost != "jar":
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv("JAVA_HOME", raising=False)
    if lost == "compiler":
        (tmp_path / "jre" / "bin").mkdir(parents=True)
        (tmp_path / "jre" / "bin" / "java").touch()
        (tmp_path / "jre" / "release").write_text('JAVA_VERSION="17.0.1"\n')
        monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jre"))
    if lost == "jar":
        (javaplace.libraries_folder() / "lib").mkdir(parents=True)
        (javaplace.libraries_folder() / "classpath.txt").write_text("".join(f"{name}\n" for name in javaplace.pins()))
        (javaplace.libraries_folder() / "lib" / "HikariCP-6.3.3.jar").write_bytes(b"another one")
    command = f"Run: {javaplace.SETUP}" if lost == "jar" else javaplace.INSTALL
    magics = Magics(Shell(), lambda: tmp_path)
    magics.java("", "System.out.println(1);")
    magics.java("src/main/java/A.java", "class A {}")
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith(command)
    assert first.startswith({"java": "Java is not on", "compiler": "Java 17.0.1 is here without", "jar": "HikariCP-6.3.3.jar of Spring Boot is"}[lost])
    assert second == "src/main/java/A.java: written, 1 lines"
    (line,) = [str(part) for part in doctor.examine() if part.name == "Java"]
    assert line == f"missing  Java: {first}"


def test_the_libraries_are_pinned_one_by_one() -> None:
    """One version, that of Spring Boot's list; the hash of each file; what differs is refused by name."""
    pom = (javaplace.FOLDER / "pom.xml").read_text("utf-8")
    assert re.findall(r"<version>(.*?)<", pom) == ["1", "${spring-boot.version}"]
    assert re.fullmatch(r"3\.5\.\d+", javaplace.spring_version())
    assert re.fullmatch(r"\d+\.\d+\.\d+", javaplace.PLUGIN.split(":")[2])
    pins = javaplace.pins()
    assert f"spring-boot-{javaplace.spring_version()}.jar" in pins
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in pins.values())
    javaplace.check(pins, pins)
    with pytest.raises(DataError, match=r"h2-2\.3\.232\.jar: is not what its checksum says"):
        javaplace.check({**pins, "h2-2.3.232.jar": "0" * 64}, pins)
    with pytest.raises(DataError, match=r"more\.jar: is not in the list"):
        javaplace.check({**pins, "more.jar": "0" * 64}, pins)


@java
def test_setup_without_maven_or_without_a_repository_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for classes in ("host_classes", "cell_classes"):
        monkeypatch.setattr(javaplace, classes, lambda _jdk: tmp_path)
    jdk, maven = javaplace.require_jdk(), shutil.which("mvn")
    monkeypatch.setenv("JAVA_HOME", str(jdk.home))
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(app, ["setup", "java"])
    assert isinstance(done.exception, MissingRuntimeError)
    assert javaplace.INSTALL_MAVEN in str(done.exception)
    if maven is None:
        return
    monkeypatch.setenv("PATH", path)
    (tmp_path / ".m2").mkdir()
    (tmp_path / ".m2" / "settings.xml").write_text("<settings><offline>true</offline></settings>")
    monkeypatch.setenv("MAVEN_OPTS", f"-Duser.home={tmp_path}")
    done = CliRunner().invoke(app, ["setup", "java"])
    assert re.search(r"mvn: could not get the libraries \(.*offline", str(done.exception))
    assert [entry.name for entry in (tmp_path / "data" / "reviewkit" / "java").iterdir()] == [".lock"]
