"""Hostile fixes: what a candidate might hand in instead of a mend. None may pass a check, leak or leave anything.

Each is the whole of `till/sums.py`. `{rubric}` and `{outside}` stand for the rubric's folder and a folder of the host that
everybody may write to. The words beside a fix are the outcomes that its check "adds-up" may have.
"""

from __future__ import annotations

import textwrap

PRELUDE = """
import asyncio, ctypes, os, signal, socket, sqlite3, struct, sys, threading, time
RUBRIC, OUTSIDE = {rubric!r}, {outside!r}
def frame(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<I", len(data)) + data
def raw(data):
    os.write(3, data)
def tried(*attempts):
    said = []
    for attempt in attempts:
        try:
            said.append(f"DONE {{str(attempt())[:60]}}")
        except BaseException as error:
            said.append(type(error).__name__)
    return " ".join(said)
LIBC = ctypes.CDLL(None, use_errno=True)
def syscall(number, *args):
    if LIBC.syscall(number, *args) < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return "ok"
"""

FAILED = ("failed",)
STOPPED = ("stopped",)
TIME = ("time_limit",)
CRASHED = ("crashed",)
MEMORY = ("memory_limit",)


def _call(body: str) -> str:
    return "async def total(prices):\n" + textwrap.indent(textwrap.dedent(body).strip(), "    ") + "\n"


FIXES: dict[str, tuple[str, tuple[str, ...]]] = {
    # Forging: make whoever reads believe in a pass.
    "int-that-equals-all": (
        "class E(int):\n    __eq__ = lambda s, o: True\n    __req__ = __eq__\n    __hash__ = int.__hash__\n"
        + _call("return E(0)"), FAILED),
    "str-that-equals-all": ("class E(str):\n    def __eq__(s, o): return True\n" + _call("return E('x')"), FAILED),
    "list-that-equals-all": ("class E(list):\n    def __eq__(s, o): return True\n" + _call("return [E()]"), FAILED),
    "object-with-repr": ("class E:\n    def __repr__(s): return 'passed'\n" + _call("return E()"), FAILED),
    "true-for-all": (_call("return True"), FAILED),
    "not-a-number": (_call("return float('nan')"), FAILED),
    "exit-at-import": ("os._exit(0)\n", CRASHED),
    "exit-at-call": (_call("os._exit(0)"), CRASHED),
    "system-exit-at-import": ("sys.exit(0)\n", FAILED),
    "system-exit-at-call": (_call("sys.exit(0)"), FAILED),
    "exit-in-a-task": (_call("async def leave(): sys.exit(0)\nasyncio.create_task(leave())\nawait asyncio.sleep(5)"), CRASHED),
    "printed-verdict": (
        _call("print('reviewkit-results [{\"id\": \"adds-up\", \"outcome\": \"passed\"}]', flush=True)\nreturn None"), FAILED),
    "result-file": (_call("open('/tmp/result.json', 'w').write('{\"outcome\": \"passed\"}')\nreturn None"), FAILED),
    "early-reply": ("raw(frame('[\"l\",\"done\",2,[\"d\",\"value\",7]]'))\n" + _call("return 0"), STOPPED),
    "replies-for-all-numbers": (
        _call("for n in range(1, 60): raw(frame(f'[\"l\",\"done\",{n},[\"d\",\"value\",1]]'))\nawait asyncio.sleep(1)"), STOPPED),
    "double-reply": (_call("raw(frame('[\"l\",\"done\",2,[\"d\",\"value\",1]]') * 2)\nawait asyncio.sleep(1)"), STOPPED),
    "reply-without-shape": (_call("raw(frame('[\"l\",\"done\",2,[\"d\",\"passed\",true]]'))\nawait asyncio.sleep(1)"), STOPPED),
    "reply-as-list": (_call("raw(frame('[\"l\",\"done\",2,[\"l\"]]'))\nawait asyncio.sleep(1)"), STOPPED),
    "patched-plain": (
        "import reviewkit.guest.runner as r\nr.plain = lambda value, depth=0: value\n" + _call("return object()"), FAILED),
    "patched-codec": (
        "import reviewkit.sandbox.inner.codec as c\nc.encode = lambda value, limit: frame('{\"value\": 1}')\n"
        + _call("return 1"), STOPPED),
    "patched-runner": (
        "from reviewkit.guest.runner import Runner\nasync def call(self, name, kwargs): return {'value': 1, 'passed': True}\n"
        "Runner.call = call\n" + _call("return 1"), STOPPED),
    "patched-driver": ("import sys\nsys.modules['reviewkit_driver'].total = lambda env, prices: True\n" + _call("return 0"), FAILED),
    "named-time-limit": ("class TimeLimit(Exception): pass\n" + _call("raise TimeLimit('x')"), FAILED),
    "named-guest-closed": ("class GuestClosed(BaseException): pass\n" + _call("raise GuestClosed('x')"), FAILED),
    # Leaking: reach the key or the machine.
    "read-rubric": (_call("return tried(lambda: open(RUBRIC + '/checks.py').read(), lambda: os.listdir(RUBRIC))"), FAILED),
    "read-passwd": (_call("return tried(lambda: open('/etc/passwd').read(), lambda: open('/etc/hostname').read())"), FAILED),
    "read-proc": (
        _call("return tried(*[lambda p=p: open(p, 'rb').read(99) for p in ('/proc/self/environ', '/proc/1/environ', "
              "'/proc/self/maps', '/proc/self/mem', '/proc/version', '/sys/kernel/version')])"), FAILED),
    "list-folders": (_call("return tried(*[lambda p=p: os.listdir(p) for p in ('/', '/home', '/root', '/stage', '/dev', '/etc')])"), FAILED),
    "climb-out": (
        _call("here = os.path.dirname(os.path.abspath(__file__))\nreturn tried(lambda: os.listdir(here + '/../..'), "
              "lambda: open(here + '/../../../../../etc/passwd').read())"), FAILED),
    "link-out": (
        _call("return tried(lambda: [os.symlink('/etc/passwd', '/tmp/l'), open('/tmp/l').read()], "
              "lambda: os.link('/etc/passwd', '/tmp/h'))"), FAILED),
    "search-memory": (
        "import gc\n" + _call("""
        found = [o for o in gc.get_objects() if isinstance(o, dict) and ("expected" in o or "adds_up" in o)]
        frame_, names = sys._getframe(), []
        while frame_:
            names += [k for k in frame_.f_locals if k in ("rng", "prices_sum", "verdict")]
            frame_ = frame_.f_back
        return f"{len(names)} DONE" if names else repr([sorted(map(str, o))[:3] for o in found])[:50]
        """), FAILED),
    "environment": (_call("return ' '.join(k for k in os.environ if 'REVIEWKIT' in k or 'HOME' in k)"), FAILED),
    "other-descriptors": (_call("return tried(*[lambda n=n: os.fstat(n) and n for n in range(8, 40)])"), FAILED),
    "inherited-socket": (_call("return tried(*[lambda n=n: os.read(n, 1) for n in range(9, 20)])"), FAILED),
    # Escaping: programs, network, kernel interfaces, other processes, writes outside.
    "subprocess": (
        "import subprocess\n" + _call("return tried(lambda: subprocess.run(['/bin/true']), lambda: 1 // (os.system('true') == 0), "
                                      "lambda: os.execv('/bin/true', ['x']), lambda: os.posix_spawn('/bin/true', ['x'], {}))"), FAILED),
    "multiprocessing": ("import multiprocessing\n" + _call("return tried(lambda: multiprocessing.Process(target=print).start())"), FAILED),
    "shared-memory": (
        "from multiprocessing import shared_memory\n"
        + _call("return tried(lambda: shared_memory.SharedMemory('x', create=True, size=64), lambda: os.memfd_create('x'))"), FAILED),
    "sockets": (
        _call("return tried(socket.socket, lambda: socket.socket(socket.AF_UNIX), lambda: socket.create_connection(('127.0.0.1', 22), 1), "
              "lambda: socket.getaddrinfo('example.org', 80), lambda: socket.socketpair(socket.AF_INET))"), FAILED),
    "raw-calls": (
        _call("names = {'execve': 59, 'fork': 57, 'vfork': 58, 'ptrace': 101, 'mount': 165, 'unshare': 272, 'setns': 308, 'bpf': 321, "
              "'perf': 298, 'uring': 425, 'keyctl': 250, 'process_vm_readv': 310, 'setuid': 105, 'chroot': 161, 'clone3': 435, "
              "'pidfd_open': 434, 'seccomp': 317, 'userfaultfd': 323, 'shmget': 29, 'personality': 135, 'tkill': 200}\n"
              "return tried(*[lambda n=n: syscall(n, 0, 0, 0, 0, 0) for n in names.values()])"), FAILED),
    "namespaces": (_call("return tried(*[lambda f=f: syscall(272, f) for f in (0x10000000, 0x20000, 0x20000000)])"), FAILED),
    "other-architecture": (_call("syscall(0x40000000 + 39)"), CRASHED),
    "trace-parent": (_call("return tried(lambda: syscall(101, 16, os.getppid(), 0, 0), lambda: syscall(310, os.getppid(), 0, 0, 0, 0, 0))"), FAILED),
    "kill-others": (
        _call("return tried(*[lambda p=p: os.kill(p, 9) for p in (-1, 0, 2, 3, max(os.getppid(), 2), os.getpid() + 1)])"), FAILED),
    "signals-by-owner": (
        "import fcntl\n" + _call("return tried(lambda: fcntl.fcntl(3, fcntl.F_SETOWN, 1), lambda: fcntl.fcntl(3, 10, 9))"), FAILED),
    "write-outside": (
        _call("return tried(*[lambda p=p: open(p, 'w').write('x') for p in (OUTSIDE + '/left', '/etc/left', '/usr/lib/left', '/left', "
              "'/dev/shm/left', RUBRIC + '/left', '/tree/left', os.path.dirname(__file__) + '/left')], "
              "lambda: os.mkdir(OUTSIDE + '/leftdir'))"), FAILED),
    "change-own-source": (_call("return tried(lambda: open(__file__, 'a').write('x'), lambda: os.chmod(__file__, 511), lambda: os.remove(__file__))"), FAILED),
    "device": (_call("return tried(lambda: os.mknod('/tmp/d', 0o20666, os.makedev(1, 3)), lambda: open('/dev/mem', 'rb').read(1), lambda: open('/dev/vda', 'rb').read(1))"), FAILED),
    "writable-code": ("import mmap\n" + _call("return tried(lambda: mmap.mmap(-1, 4096, prot=7))"), FAILED),
    "become-root": (_call("return tried(lambda: os.setuid(0), lambda: os.setgroups([0]), lambda: os.chroot('/tmp'), lambda: os.nice(-5))"), FAILED),
    "raise-limits": (
        "import resource as r\n" + _call("return tried(*[lambda k=k: r.setrlimit(k, (r.RLIM_INFINITY, r.RLIM_INFINITY)) for k in "
                                         "(r.RLIMIT_AS, r.RLIMIT_CPU, r.RLIMIT_NOFILE, r.RLIMIT_FSIZE, r.RLIMIT_NPROC)])"), FAILED),
    "attach-file": (
        _call("""
        db = sqlite3.connect("world:main")
        return tried(lambda: db.execute("ATTACH ? AS x", (OUTSIDE + "/left.db",)), lambda: db.execute("VACUUM INTO '" + OUTSIDE + "/left.db'"),
                     lambda: db.execute("SELECT load_extension('x')"), lambda: db.execute("PRAGMA writable_schema=1"),
                     lambda: db.execute("PRAGMA temp_store_directory='/tmp'"))
        """), FAILED),
    "unknown-request": (_call("raw(frame('[\"l\",\"ask\",900,\"os.system\",[\"d\"]]'))\nawait asyncio.sleep(1)"), STOPPED),
    "driver-method": (
        _call("raw(frame('[\"l\",\"ask\",900,\"db.enable_load_extension\",[\"d\",\"connection\",1,\"sql\",\"1\",\"parameters\",[\"l\"]]]'))\n"
              "await asyncio.sleep(1)"), STOPPED),
    "request-of-strange-parts": (_call("raw(frame('[\"l\",\"ask\",900,\"emit\",[\"d\",\"kind\",5,\"data\",null]]'))\nawait asyncio.sleep(1)"), STOPPED),
    "news-that-asks": (_call("raw(frame('[\"l\",\"tell\",900,\"db.connect\",[\"d\",\"name\",\"main\",\"isolation_level\",null]]'))\nawait asyncio.sleep(1)"), STOPPED),
    "strange-connection": (_call("raw(frame('[\"l\",\"ask\",900,\"db.commit\",[\"d\",\"connection\",77]]'))\nawait asyncio.sleep(.2)\nreturn 0"), FAILED),
    # Exhausting: time, memory, threads, files, messages.
    "endless-loop": (_call("while True: pass"), TIME),
    "endless-import": ("while True: pass\n", TIME),
    "endless-c-code": ("import re\n" + _call("re.match('(a+)+$', 'a' * 64 + 'b')"), TIME),
    "endless-threads-loop": (_call("""
        def burn():
            while True: pass
        for _ in range(8): threading.Thread(target=burn, daemon=True).start()
        burn()
        """), TIME),
    "ignored-signals": ("for n in (signal.SIGTERM, signal.SIGXCPU, signal.SIGINT): signal.signal(n, signal.SIG_IGN)\n" + _call("while True: pass"), TIME),
    "sleep": (_call("time.sleep(1000)"), TIME),
    "sleep-in-loop": (_call("await asyncio.sleep(1000)"), TIME),
    "deadlock": (_call("lock = threading.Lock()\nlock.acquire()\nlock.acquire()"), TIME),
    "swallowed-cancel": (_call("while True:\n    try: await asyncio.sleep(1000)\n    except BaseException: pass"), TIME),
    "memory-list": (_call("held = []\nwhile True: held.append(bytearray(10**7))"), MEMORY),
    "memory-at-once": (_call("return len(b'x' * 10**12)"), MEMORY),
    "memory-swallowed": (_call("""
        held = []
        try:
            while True: held.append(' ' * 10**7)
        except MemoryError:
            pass
        return 1
        """), FAILED + MEMORY),
    "threads-without-end": (_call("""
        def rest(): time.sleep(1000)
        started = 0
        try:
            while started < 5000:
                threading.Thread(target=rest, daemon=True).start()
                started += 1
        except RuntimeError as error:
            return f"stopped at {started < 2000}"
        return "DONE 5000"
        """), FAILED + MEMORY),
    "forks-without-end": (_call("return tried(os.fork, os.forkpty)"), FAILED),
    "recursion": ("def deep(n): return deep(n + 1)\n" + _call("sys.setrecursionlimit(10**9)\nreturn deep(0)"), CRASHED + MEMORY + TIME),
    "null-pointer": (_call("ctypes.string_at(0)"), CRASHED),
    "abort": (_call("os.abort()"), CRASHED),
    "full-disk": (_call("""
        try:
            for n in range(64):
                with open(f"/tmp/f{n}", "wb") as file: file.write(b"x" * 10**6)
        except OSError as error:
            return f"refused at {n < 30}"
        return "DONE"
        """), FAILED),
    "many-descriptors": (_call("held = []\ntry:\n    while True: held.append(os.dup(0))\nexcept OSError: return len(held) > 100"), FAILED),
    "closed-descriptors": (_call("os.closerange(0, 64)\nreturn 1"), CRASHED + STOPPED + TIME),
    "closed-wire": (_call("os.close(3)\nreturn 1"), CRASHED + STOPPED + TIME),
    "endless-output": (_call("while True: print('x' * 1000)"), TIME),
    "endless-requests": (_call("""
        connection = sqlite3.connect("world:main")
        while True: connection.execute("SELECT 1")
        """), TIME + STOPPED),
    "requests-unread": (_call("""
        for n in range(100_000): raw(frame(f'["l","ask",{n + 1000},"db.connect",["d","name","main","isolation_level",null]]'))
        await asyncio.sleep(60)
        """), TIME + STOPPED),
    "many-connections": (_call("held = [sqlite3.connect('world:main') for _ in range(1000)]\nreturn 1"), FAILED),
    "endless-facts": (_call("""
        n = 0
        while True:
            n += 1
            raw(frame(f'["l","tell",{n + 1000},"emit",["d","kind","x","data",null]]'))
        """), TIME + STOPPED),
    "heavy-sql": (_call("""
        connection = sqlite3.connect("world:main")
        connection.execute("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c").fetchall()
        """), FAILED + TIME),
    "subqueries-that-double": (_call("""
        steps = "".join(f", a{n} AS (SELECT p.x FROM a{n - 1} p, a{n - 1} q LIMIT 1)" for n in range(1, 40))
        sqlite3.connect("world:main").execute("WITH a0 AS (SELECT 1 x)" + steps + " SELECT * FROM a39")
        """), FAILED + TIME),
    "answers-unread": (_call("""
        links = [sqlite3.connect("world:main")._id for _ in range(50)]
        rows = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 20) SELECT printf('%.*c', 90000, 'x') FROM c"
        for n in range(250):
            raw(frame(f'["l","ask",{n + 1000},"db.execute",["d","connection",{links[n % 50]},"sql","{rows}","parameters",["l"]]]'))
            time.sleep(.01)
        time.sleep(60)
        """), STOPPED),
    "large-result": (_call("return 'x' * 5_000_000"), FAILED),
    "large-frame": (_call("raw(struct.pack('<I', 2**31) + b'x')\nawait asyncio.sleep(1)"), STOPPED),
    "empty-frame": (_call("raw(b'\\0\\0\\0\\0')\nawait asyncio.sleep(1)"), STOPPED),
    "slow-frame": (_call("raw(struct.pack('<I', 100))\nwhile True:\n    raw(b' ')\n    time.sleep(.5)"), TIME),
    # Confusing: extreme and malformed data.
    "no-json": (_call("raw(frame('not json'))\nawait asyncio.sleep(1)"), STOPPED),
    "json-object": (_call("raw(frame('{\"done\": 2}'))\nawait asyncio.sleep(1)"), STOPPED),
    "json-nan": (_call("raw(frame('[\"l\",\"done\",2,[\"d\",\"value\",NaN]]'))\nawait asyncio.sleep(1)"), STOPPED),
    "json-deep": (_call("raw(frame('[' * 400_000))\nawait asyncio.sleep(1)"), STOPPED),
    "json-digits": (_call("raw(frame('[\"l\",\"done\",2,[\"d\",\"value\",' + '9' * 5000 + ']]'))\nawait asyncio.sleep(1)"), STOPPED),
    "json-surrogate": (_call("raw(frame('[\"l\",\"done\",2,[\"d\",\"value\",\"\\\\ud800\"]]'))\nawait asyncio.sleep(1)"), STOPPED),
    "json-tag": (_call("raw(frame('[\"l\",\"done\",2,[\"d\",\"value\",[\"pickle\",\"x\"]]]'))\nawait asyncio.sleep(1)"), STOPPED),
    "json-bytes": (_call("raw(frame(bytes(range(256))))\nawait asyncio.sleep(1)"), STOPPED),
    "huge-int": (_call("return 10**5000"), FAILED),
    "huge-decimal": ("from decimal import Decimal\n" + _call("return Decimal('1E+999999999')"), FAILED),
    "signalling-nan": ("from decimal import Decimal\n" + _call("return Decimal('sNaN')"), FAILED + STOPPED),
    "surrogate": (_call("return '\\ud800'"), FAILED),
    "deep-list": (_call("value = []\nfor _ in range(5000): value = [value]\nreturn value"), FAILED),
    "endless-list": (_call("value = []\nvalue.append(value)\nreturn value"), FAILED),
    "strange-keys": (_call("return {1: 2, None: 3}"), FAILED),
    "generator": (_call("return (n for n in iter(int, 1))"), FAILED),
    "control-characters": (_call("return '\\x1b[2J\\x00\\u202e\\u2066<script>alert(1)</script>'"), FAILED),
    "error-without-text": ("class E(Exception):\n    def __str__(self): raise ValueError\n" + _call("raise E"), FAILED),
    "error-with-much-text": (_call("raise ValueError('\\ud800\\x1b' * 10**6)"), FAILED),
    "error-with-long-name": (_call("raise type('E' * 10**6, (Exception,), {})('x')"), FAILED),
    "memory-error-claimed": (_call("raise MemoryError"), MEMORY),
    "cancelled": (_call("raise asyncio.CancelledError"), FAILED + TIME),
    "keyboard-interrupt": (_call("raise KeyboardInterrupt"), FAILED + CRASHED),
    "null-byte-in-source": ("x = 1\0\n", FAILED),
    "deep-source": ("x = " + "(" * 5000 + ")" * 5000 + "\n", FAILED + MEMORY + CRASHED),
    "strange-encoding": ("# -*- coding: utf-7 -*-\nx = +AGE-\n", FAILED),
    "surrogate-in-source": ("x = '\ud800'\n", FAILED),
    "endless-constant": ("x = 10 ** 10 ** 10\n", TIME + MEMORY + FAILED),
    # Confusing whoever reads an error, a wire, a schema.
    "error-whose-class-has-no-name": (
        "class M(type):\n    @property\n    def __name__(cls): raise SystemExit(3)\nclass E(Exception, metaclass=M): pass\n"
        + _call("raise E()"), FAILED),
    "error-whose-name-is-a-number": ("class M(type):\n    __name__ = 7\nclass E(Exception, metaclass=M): pass\n" + _call("raise E()"), FAILED),
    "error-whose-text-is-no-text": (
        "class S(str):\n    def __getitem__(self, key): return object()\n    def encode(self, *how): return b'\\xff' * 10**6\n"
        "class M(type):\n    __name__ = S('X')\nclass E(Exception, metaclass=M):\n    def __str__(self): return S('y' * 10**6)\n"
        + _call("raise E()"), FAILED),
    "error-of-a-thousand-errors": (_call("raise BaseExceptionGroup('x' * 10**6, [ValueError(str(n)) for n in range(1000)])"), FAILED),
    "urgent-data": (
        _call("wire = socket.socket(fileno=os.dup(3))\nreturn tried(lambda: wire.send(b'x', socket.MSG_OOB), lambda: wire.recv(1, socket.MSG_OOB))"),
        FAILED),
    "descriptors-passed-on": (
        _call("one, two = socket.socketpair()\nwire = socket.socket(fileno=os.dup(3))\n"
              "return tried(*[lambda s=s: socket.send_fds(s, [b'x'], [one.fileno()]) for s in (one, two, wire)], lambda: socket.recv_fds(two, 1, 1))"),
        FAILED),
    "options-of-the-wire": (_call("""
        wire = socket.socket(fileno=os.dup(3))
        for option in range(1, 80):
            for value in (0, 1, 2**31 - 1):
                try: wire.setsockopt(socket.SOL_SOCKET, option, value)
                except OSError: pass
        return 0
        """), FAILED),
    "half-closed-wire": (_call("socket.socket(fileno=os.dup(3)).shutdown(socket.SHUT_RD)\nreturn 1"), CRASHED + STOPPED + FAILED),
    "stopped-loop": (_call("asyncio.get_event_loop().stop()\nreturn 1"), CRASHED),
    "requests-after-the-answer": (_call("""
        def later():
            for n in range(10**6):
                try: raw(frame(f'["l","ask",{n + 5000},"db.connect",["d","name","main","isolation_level",null]]'))
                except OSError: os._exit(0)
        threading.Thread(target=later, daemon=True).start()
        return 0
        """), FAILED + STOPPED),
    "strange-isolation": (_call("""
        for level in ("x", "IMMEDIATE; DROP TABLE kept", "\\0", "EXCLUSIVE" * 1000):
            try: sqlite3.connect("world:main", isolation_level=level).execute("INSERT INTO kept VALUES (1)")
            except Exception: pass
        return 0
        """), FAILED),
    "column-that-fails-when-read": (
        _call("""
        db = sqlite3.connect("world:main", isolation_level=None)
        db.execute("DROP TABLE kept")
        db.execute("CREATE TABLE kept (amount INTEGER GENERATED ALWAYS AS (abs(-9223372036854775807 - 1)) VIRTUAL, other)")
        db.execute("INSERT INTO kept (other) VALUES (1)")
        """), FAILED),
    # Persisting: outlive the check.
    "thread-after-reply": (_call("""
        def later():
            while True:
                try: open(OUTSIDE + "/left", "w").write("x")
                except OSError: pass
        threading.Thread(target=later).start()
        return 0
        """), FAILED),
    "at-exit": ("import atexit\natexit.register(lambda: open(OUTSIDE + '/left', 'w').write('x'))\n" + _call("return 0"), FAILED),
    "patched-builtins": ("import builtins\nbuiltins.sum = lambda _values: 0\n" + _call("return sum(prices)"), FAILED),
    "daemon": (_call("return tried(os.setsid, os.fork, lambda: os.posix_spawn('/bin/sleep', ['sleep', '9'], {}))"), FAILED),
}  # fmt: skip

OWN_PRELUDE = frozenset({"null-byte-in-source", "strange-encoding", "surrogate-in-source", "deep-source"})
"""Sources that are tested as they are."""


def source(name: str, rubric: str, outside: str) -> str:
    """The file that a candidate hands in."""
    body = FIXES[name][0]
    return body if name in OWN_PRELUDE else PRELUDE.format(rubric=rubric, outside=outside) + body
