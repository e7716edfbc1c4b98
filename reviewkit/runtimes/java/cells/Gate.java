package reviewkit;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;

/**
 * Forces an interleaving: holds calls until enough of them have come, or until none has come for a while. An error of a call itself
 * goes on at once and does not count.
 */
public final class Gate {
    private static final double PATIENCE = 1;
    private static final long STEP_NANOS = 50_000_000;
    private static final long LATE_NANOS = 50_000_000; // a step that ends so much too late is not counted: others may have had no turn

    private final int n;
    private final double patience;
    private final TreeSet<Integer> waiting = new TreeSet<>();
    private int arrived;
    private boolean open;

    /** A call with a value. */
    @FunctionalInterface
    public interface Call<T, E extends Throwable> {
        T call() throws E;
    }

    /** A call without one. */
    @FunctionalInterface
    public interface Action<E extends Throwable> {
        void run() throws E;
    }

    /** A closed gate that so many calls open. */
    public Gate(int n) {
        this(n, PATIENCE);
    }

    /** The same; after so many seconds without a further call it opens all the same, and says so. */
    public Gate(int n, double patience) {
        if (n < 1) {
            throw new IllegalArgumentException("gate: say how many calls open it, 1 or more");
        }
        this.n = n;
        this.patience = patience;
    }

    /** Calls that had come when it opened. */
    public synchronized int arrived() {
        return arrived;
    }

    /** Whether further calls pass at once. */
    public synchronized boolean isOpen() {
        return open;
    }

    /** Let everybody pass from now on. */
    public synchronized void open() {
        open = true;
        notifyAll();
    }

    /** Come to the gate, and stay until it opens. */
    public synchronized void arrive() {
        if (open) {
            return;
        }
        int mine = ++arrived;
        if (arrived >= n) {
            open();
            return;
        }
        waiting.add(mine);
        try {
            waitFor(mine);
        } finally {
            waiting.remove(mine); // who is interrupted leaves the counting to the others
        }
    }

    private void waitFor(int mine) {
        long left = (long) (patience * 1e9);
        while (!open) {
            long step = Math.min(STEP_NANOS, left);
            long late = step <= 0 ? 0 : waited(step) - step;
            if (!open && mine == waiting.last() && late <= LATE_NANOS) { // of those who wait, the one who came last counts the time
                left -= step;
                if (left <= 0) {
                    System.err.println("gate: opened with " + arrived + " of " + n + " calls, no other came for " + seconds() + " s");
                    open();
                }
            }
        }
    }

    private long waited(long nanos) {
        long began = System.nanoTime();
        try {
            wait(nanos / 1_000_000, (int) (nanos % 1_000_000));
        } catch (InterruptedException ending) {
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted at the gate");
        }
        return System.nanoTime() - began;
    }

    private String seconds() {
        return patience == Math.rint(patience) ? String.valueOf((long) patience) : String.valueOf(patience);
    }

    /** Be held, then make a call. */
    public <T, E extends Throwable> T before(Call<T, E> call) throws E {
        arrive();
        return call.call();
    }

    /** The same for a call without a value. */
    public <E extends Throwable> void before(Action<E> call) throws E {
        arrive();
        call.run();
    }

    /** Make a call, and be held with its result. */
    public <T, E extends Throwable> T after(Call<T, E> call) throws E {
        T value = call.call();
        arrive();
        return value;
    }

    /** The same for a call without a value. */
    public <E extends Throwable> void after(Action<E> call) throws E {
        call.run();
        arrive();
    }

    /** An object that is used by an interface: calls of this method are held before they are made. */
    public <T> T before(Class<T> type, T object, String method) {
        return held(type, object, method, call -> before(call));
    }

    /** The same: calls of this method are held when they have their result. */
    public <T> T after(Class<T> type, T object, String method) {
        return held(type, object, method, call -> after(call));
    }

    @FunctionalInterface
    private interface Way {
        Object go(Call<Object, Throwable> call) throws Throwable;
    }

    private static <T> T held(Class<T> type, T object, String method, Way way) {
        if (!type.isInterface()) {
            throw new IllegalArgumentException("gate: " + type.getSimpleName() + " is no interface; override " + method + " and call before or after in it");
        }
        if (Arrays.stream(type.getMethods()).noneMatch(one -> one.getName().equals(method))) {
            throw new IllegalArgumentException("gate: " + type.getSimpleName() + " has no method " + method);
        }
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, called, values) -> {
            Call<Object, Throwable> call = () -> made(called, object, values);
            return called.getName().equals(method) ? way.go(call) : call.call();
        }));
    }

    private static Object made(Method method, Object object, Object[] values) throws Throwable {
        try {
            method.setAccessible(true);
            return method.invoke(object, values);
        } catch (InvocationTargetException failure) {
            throw failure.getCause();
        }
    }
}
