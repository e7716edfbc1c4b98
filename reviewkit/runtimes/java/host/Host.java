package reviewkit.host;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.TimeZone;
import java.util.stream.Stream;

/**
 * The Java host: one process per kernel that compiles cells and runs each in a class loader of its own.
 *
 * <p>`java -cp HOST[:LIBRARY...] reviewkit.host.Host FOLDER`: FOLDER belongs to this process and is removed by it. Requests are lines of
 * `name=base64` on standard input, events lines of RS + JSON on standard output; see base.py. The first thread only reads, so that it
 * always hears a stop, and the end of the input: the kernel is gone. A loop cannot be stopped in Java: the process ends with such a cell.
 */
public final class Host {
    private static final String LOADER = "cell";
    private static final long ORPHAN_MILLIS = 500;
    private static final long CLEAR_MILLIS = 200;

    private final Events events;
    private final Path folder;
    private final Build build;
    private final Output out = new Output("stdout");
    private final Output err = new Output("stderr");
    private volatile Request running;
    private final Locale[] locales = {Locale.getDefault(), Locale.getDefault(Locale.Category.DISPLAY), Locale.getDefault(Locale.Category.FORMAT)};
    private final TimeZone zone = TimeZone.getDefault();
    private boolean left;

    private record Request(long id, String op, double timeout, String code, String name, Path root, String database, long began) {
        static Request of(String line) {
            Map<String, String> parts = new HashMap<>();
            for (String part : line.strip().split(" ")) {
                int at = part.indexOf('=');
                parts.put(part.substring(0, at), new String(Base64.getDecoder().decode(part.substring(at + 1)), StandardCharsets.UTF_8));
            }
            return new Request(
                    Long.parseLong(parts.get("id")), parts.get("op"), Double.parseDouble(parts.getOrDefault("timeout", "0")),
                    parts.getOrDefault("code", ""), parts.getOrDefault("name", ""), Path.of(parts.getOrDefault("root", "")),
                    parts.getOrDefault("database", ""), System.nanoTime());
        }
    }

    private Host(Events events, Path folder) {
        this.events = events;
        this.folder = folder;
        build = new Build(folder);
    }

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        Files.createDirectories(Path.of(System.getProperty("java.io.tmpdir"))); // below the folder
        Host host = new Host(new Events(new FileOutputStream(FileDescriptor.out)), folder);
        InputStream requests = new FileInputStream(FileDescriptor.in);
        host.surroundings();
        Runtime.getRuntime().addShutdownHook(new Thread(host::exiting));
        host.watch();
        host.events.ready();
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(requests, StandardCharsets.US_ASCII))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                host.take(Request.of(line));
            }
        } finally {
            host.leave();
        }
    }

    private void take(Request request) {
        Request open = running;
        if (!request.op.equals("stop")) {
            running = request;
            new Thread(() -> handle(request), "host").start();
        } else if (open != null) {
            last(open, "stopped");
        }
    }

    private void handle(Request request) {
        String kind = null;
        String text = "";
        boolean last = false;
        try {
            if (request.op.equals("check")) {
                build.tree(request.root);
            } else {
                last = run(request);
            }
        } catch (Build.Refused refused) {
            kind = "build";
            text = refused.getMessage();
        } catch (Failed failed) {
            kind = "error";
            text = failed.getMessage();
            last = failed.last;
        } catch (Throwable unexpected) { // whatever it is, an end is told
            kind = "error";
            text = new Trace(LOADER, frame -> String.valueOf(frame.getFileName())).of(unexpected);
        }
        synchronized (this) {
            if (left) {
                return; // an end has been told: of time, or by an exit
            }
            running = null;
            left = last;
            events.end(request.id, kind, text, request.began, last);
        }
        if (last) {
            leave();
        }
    }

    /** Tell of an end that only the end of this process brings about, and bring it about. */
    private void last(Request request, String kind) {
        synchronized (this) {
            if (left || running != request) {
                return;
            }
            left = true;
            events.end(request.id, kind, "", request.began, true);
        }
        leave();
    }

    private static final class Failed extends Exception {
        private static final long serialVersionUID = 1;
        final boolean last;

        Failed(String text, boolean last) {
            super(text, null, false, false);
            this.last = last;
        }
    }

    /** Run a cell; whether something of it lives on, so that this process cannot be used again. */
    private boolean run(Request request) throws Exception {
        Path tree = build.tree(request.root);
        Path target = Files.createDirectory(folder.resolve("cell-" + request.id));
        boolean file = Source.packaged(request.code) || build.runsAsFile(request.name, request.code);
        Source source = file ? Source.whole(request.name, request.code) : Source.statements(request.name, request.code);
        List<String> types = build.cell(source, tree, target, request.root);
        List<URL> places = new ArrayList<>();
        for (Path place : List.of(target, tree, request.root.resolve("src/main/resources"), request.root.resolve("src/test/resources"))) {
            if (Files.isDirectory(place)) {
                places.add(place.toUri().toURL());
            }
        }
        Trace trace = new Trace(LOADER, frame -> place(frame, target, request));
        Properties before = (Properties) System.getProperties().clone();
        if (!request.database.isEmpty()) {
            System.setProperty("DATABASE_URL", request.database); // a process cannot change its environment
        }
        try (URLClassLoader loader = new URLClassLoader(LOADER, places.toArray(URL[]::new), Host.class.getClassLoader())) {
            return run(request, entry(loader, types, request.name), new Cell(request.id, events, trace), trace);
        } finally {
            System.setProperties(before);
            remove(target);
        }
    }

    /** What a cell may have put in its place, or closed, is that of a fresh program again. */
    private void surroundings() {
        System.setIn(InputStream.nullInputStream());
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        Locale.setDefault(locales[0]); // sets those of both categories, too
        Locale.setDefault(Locale.Category.DISPLAY, locales[1]);
        Locale.setDefault(Locale.Category.FORMAT, locales[2]);
        TimeZone.setDefault(zone);
    }

    private boolean run(Request request, Method entry, Cell cell, Trace trace) throws Exception {
        surroundings();
        out.latest = cell;
        err.latest = cell;
        Thread first = new Thread(cell, () -> call(entry, cell), "main");
        first.setContextClassLoader(entry.getDeclaringClass().getClassLoader());
        long deadline = System.nanoTime() + (long) (request.timeout * 1e9);
        first.start();
        first.join(Math.max(1, (long) (request.timeout * 1000)));
        Throwable failure = cell.failure();
        if (failure != null) {
            throw new Failed(trace.of(failure), !cell.cleared(CLEAR_MILLIS));
        }
        if (!cell.over(deadline)) {
            last(request, "timeout");
        }
        return !cell.cleared(CLEAR_MILLIS);
    }

    private static void call(Method entry, Cell cell) {
        try {
            entry.invoke(null, (Object) new String[0]);
        } catch (InvocationTargetException failure) {
            cell.failed(failure.getCause());
        } catch (IllegalAccessException | LinkageError failure) {
            cell.failed(failure);
        }
    }

    private static Method entry(ClassLoader loader, List<String> types, String name) throws ClassNotFoundException, Build.Refused {
        for (String type : types) {
            try {
                Method entry = Class.forName(type, false, loader).getDeclaredMethod("main", String[].class);
                if (Modifier.isStatic(entry.getModifiers())) {
                    entry.setAccessible(true);
                    return entry;
                }
            } catch (NoSuchMethodException next) {
                continue;
            }
        }
        throw new Build.Refused(name + ": nothing to run: none of its types has a method `public static void main(String[] args)`.");
    }

    private static String place(StackTraceElement frame, Path target, Request request) {
        String outer = frame.getClassName().replaceFirst("\\$.*", "").replace('.', '/');
        String file = String.valueOf(frame.getFileName());
        if (Files.exists(target.resolve(outer + ".class")) && file.equals("Cell.java")) {
            return request.name;
        }
        String path = outer.substring(0, outer.lastIndexOf('/') + 1) + file;
        return Build.PLACES.stream().map(place -> place + "/" + path)
                .filter(relative -> Files.exists(request.root.resolve(relative))).findFirst().orElse(file);
    }

    /** The cell called `System.exit`, or the process is asked to end. */
    private void exiting() {
        synchronized (this) {
            Request open = running;
            if (open != null && !left) {
                left = true;
                events.end(open.id, "exit", "", open.began, true);
            }
        }
        remove(folder);
    }

    /** A process forked off the kernel may keep the other end of the pipe open. */
    private void watch() {
        long parent = parent();
        Thread watch = new Thread(() -> {
            while (parent() == parent) {
                try {
                    Thread.sleep(ORPHAN_MILLIS);
                } catch (InterruptedException end) {
                    break;
                }
            }
            leave();
        }, "watch");
        watch.setDaemon(true);
        watch.start();
    }

    private static long parent() {
        return ProcessHandle.current().parent().map(ProcessHandle::pid).orElse(0L);
    }

    /** End at once, whatever runs, and what cells have started along with it. */
    private void leave() {
        try {
            remove(folder);
            // The group's leader is this process; without a shell only what is still known as a child can be ended.
            ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly);
            new ProcessBuilder("sh", "-c", "kill -9 0").inheritIO().start().waitFor();
        } catch (IOException | InterruptedException | RuntimeException going) {
            // going all the same
        } finally {
            Runtime.getRuntime().halt(0);
        }
    }

    private static void remove(Path folder) {
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException | RuntimeException gone) {
            return; // the kernel's side removes what is left
        }
    }
}
