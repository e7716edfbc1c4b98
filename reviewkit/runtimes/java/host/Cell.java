package reviewkit.host;

import java.util.Arrays;

/** A cell that runs: the group of its threads, which all that they start belong to, and how much it may still write. */
final class Cell extends ThreadGroup {
    private static final int MOST = 1_000_000;

    final long id;
    private final Events events;
    private final Trace trace;
    private int left = MOST;
    private volatile Throwable failure;

    Cell(long id, Events events, Trace trace) {
        super("cell");
        this.id = id;
        this.events = events;
        this.trace = trace;
    }

    /** What ended the cell's first thread; null if nothing has. */
    Throwable failure() {
        return failure;
    }

    void failed(Throwable error) {
        failure = error;
    }

    /** As Java does with what nobody catches in another thread than the first: it is told, and the rest goes on. */
    @Override
    public void uncaughtException(Thread thread, Throwable error) {
        write("stderr", "Exception in thread \"" + thread.getName() + "\" " + trace.of(error) + "\n");
    }

    void write(String stream, String text) {
        String cut = "";
        synchronized (this) {
            if (left < 0) {
                return;
            }
            if (text.length() > left) {
                text = text.substring(0, left);
                cut = "\n[output cut after " + MOST + " characters]\n";
                left = -1;
            } else {
                left -= text.length();
            }
        }
        if (!text.isEmpty()) {
            events.stream(id, stream, text);
        }
        if (!cut.isEmpty()) {
            events.stream(id, "stderr", cut);
        }
    }

    /** The cell whose thread calls; null if it is none of a cell's. */
    static Cell current() {
        for (ThreadGroup group = Thread.currentThread().getThreadGroup(); group != null; group = group.getParent()) {
            if (group instanceof Cell cell) {
                return cell;
            }
        }
        return null;
    }

    /** Wait until no thread is left that a program would wait for; whether that came before the deadline. */
    boolean over(long deadline) throws InterruptedException {
        for (Thread thread : threads()) {
            if (!thread.isDaemon()) {
                long millis = (deadline - System.nanoTime()) / 1_000_000;
                if (millis > 0) {
                    thread.join(millis);
                }
                // A thread may have started others before it ended.
                return !thread.isAlive() && over(deadline);
            }
        }
        return true;
    }

    /** Ask the threads that are left to end; whether they have by then. */
    boolean cleared(long millis) throws InterruptedException {
        long deadline = System.nanoTime() + millis * 1_000_000;
        for (Thread thread : threads()) {
            thread.interrupt();
        }
        for (Thread thread : threads()) {
            thread.join(Math.max(1, (deadline - System.nanoTime()) / 1_000_000));
        }
        return threads().length == 0;
    }

    private Thread[] threads() {
        Thread[] found = new Thread[activeCount() + 16];
        return Arrays.copyOf(found, enumerate(found));
    }
}
