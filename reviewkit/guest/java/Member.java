package reviewkit.guest;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One guest: compiles and loads a tree and its driver, and does what the parent asks. `java ... reviewkit.guest.Member FD ROOT [LIFELINE]`.
 *
 * <p>FD is the wire. In the sandbox the process was locked down before Java began. A driver is a class without a package whose public static
 * methods are called by name; a parameter of type Env gets the world. Each call has a thread of its own. The first guest of a tree compiles it for all.
 */
public final class Member {
    private static final int MAX_NAME = 80;
    private static final int MAX_MESSAGE = 500;
    private static final int BEAT_MILLIS = 10;
    private static final int MAX_PACKED = 700_000; // what crosses as base64

    private final Path root;
    private final Channel channel;
    private final Env env;
    private volatile Map<String, byte[]> classes; // those that are not given but compiled here
    private Class<?> driver;
    private volatile List<Double> beats;
    private Thread beating;

    private Member(Path root, Channel channel) {
        this.root = root;
        this.channel = channel;
        env = new Env(channel);
    }

    public static void main(String[] arguments) throws ReflectiveOperationException {
        System.setIn(InputStream.nullInputStream());
        System.setOut(new PrintStream(OutputStream.nullOutputStream()));
        System.setErr(new PrintStream(OutputStream.nullOutputStream()));
        Channel channel = new Channel(Integer.parseInt(arguments[0]));
        if (arguments.length > 2) { // where the system does not end this process with the one that started it
            Thread lifeline = new Thread(Channel.ending(Integer.parseInt(arguments[2])), "lifeline");
            lifeline.setDaemon(true);
            lifeline.start();
        }
        Member member = new Member(Path.of(arguments[1]), channel);
        channel.read((number, op, payload) -> {
            Thread thread = new Thread(() -> member.perform(number, op, payload), op);
            thread.setDaemon(true);
            thread.start();
        });
    }

    private void perform(int number, String op, Map<String, Object> payload) {
        Map<String, Object> reply = new HashMap<>();
        try {
            reply.put("value", answer(op, payload));
        } catch (InvocationTargetException failure) {
            reply = told(failure.getCause());
        } catch (Throwable failure) {
            reply = told(failure);
        }
        channel.done(number, reply);
    }

    @SuppressWarnings("unchecked")
    private Object answer(String op, Map<String, Object> payload) throws Exception {
        switch (op) {
            case "compile" -> {
                byte[] packed = Compilation.packed(compiled(payload));
                return packed.length > MAX_PACKED ? null : packed;
            }
            case "load" -> {
                byte[] given = (byte[]) payload.get("classes");
                driver = TreeLoader.driver(root, named(payload), given == null ? compiled(payload) : Compilation.unpacked(given));
                Thread.currentThread().setContextClassLoader(driver.getClassLoader());
                invoke("setup", Map.of(), false);
                return null;
            }
            case "call" -> {
                return invoke((String) payload.get("name"), (Map<String, Object>) payload.get("kwargs"), true);
            }
            case "heartbeat" -> {
                beat();
                return null;
            }
            case "beats" -> {
                beating.interrupt();
                beating.join();
                return beats;
            }
            default -> {
                if (driver != null) {
                    invoke("teardown", Map.of(), false);
                }
                return null;
            }
        }
    }

    private Map<String, byte[]> compiled(Map<String, Object> payload) throws IOException {
        if (classes == null) {
            classes = Compilation.of(root, named(payload), (String) payload.get("driver"));
        }
        return classes;
    }

    private static String named(Map<String, Object> payload) {
        return ((String) payload.get("driver_name")).replaceFirst("\\.java$", "");
    }

    private Object invoke(String name, Map<String, Object> named, boolean needed) throws Exception {
        for (Method method : driver.getDeclaredMethods()) {
            if (method.getName().equals(name) && Modifier.isStatic(method.getModifiers()) && Modifier.isPublic(method.getModifiers())) {
                Thread.currentThread().setContextClassLoader(driver.getClassLoader());
                method.setAccessible(true);
                return method.invoke(null, Arguments.of(method, env, named));
            }
        }
        if (needed) {
            throw new IllegalArgumentException("the driver has no method '" + name + "'");
        }
        return null;
    }

    private void beat() {
        long start = System.nanoTime();
        List<Double> seen = new ArrayList<>(List.of(0.0));
        beats = seen;
        beating = new Thread(() -> {
            try {
                while (true) {
                    Thread.sleep(BEAT_MILLIS);
                    seen.add((System.nanoTime() - start) / 1e9);
                }
            } catch (InterruptedException over) {
                return;
            }
        }, "heartbeat");
        beating.setDaemon(true);
        beating.start();
    }

    private static Map<String, Object> told(Throwable failure) {
        try {
            String name = failure instanceof Env.DatabaseError error ? error.name : failure.getClass().getSimpleName();
            return Map.of("error", cut(name.isEmpty() ? "Error" : name, MAX_NAME), "message", cut(String.valueOf(failure.getMessage()), MAX_MESSAGE));
        } catch (Throwable unspeakable) {
            return Map.of("error", "Error", "message", "(an error that cannot be printed)");
        }
    }

    private static String cut(String text, int most) {
        String made = text.length() > most ? text.substring(0, most) : text;
        return made.replaceAll("[\\ud800-\\udbff](?![\\udc00-\\udfff])|(?<![\\ud800-\\udbff])[\\udc00-\\udfff]", "?");
    }
}
