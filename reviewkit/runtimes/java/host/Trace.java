package reviewkit.host;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.function.Function;

/** Writes errors for people: their own files and lines in full, what libraries do in between in a line. */
final class Trace {
    private static final int MOST_LINES = 20;
    private static final int MOST_FOREIGN = 3; // one after another
    private static final int MOST_CAUSES = 8;

    private final String loader;
    private final Function<StackTraceElement, String> place;

    /**
     * @param loader name of the class loader of people's own code
     * @param place gives the file of a frame of it
     */
    Trace(String loader, Function<StackTraceElement, String> place) {
        this.loader = loader;
        this.place = place;
    }

    String of(Throwable error) {
        StringBuilder text = new StringBuilder();
        tell(error, "", text, Collections.newSetFromMap(new IdentityHashMap<>()));
        return text.toString().stripTrailing();
    }

    private void tell(Throwable error, String before, StringBuilder text, Set<Throwable> told) {
        if (error == null || told.size() >= MOST_CAUSES || !told.add(error)) {
            return;
        }
        text.append(before).append(said(error)).append('\n');
        frames(error.getStackTrace(), text);
        for (Throwable suppressed : error.getSuppressed()) {
            tell(suppressed, "suppressed ", text, told);
        }
        tell(error.getCause(), "caused by ", text, told);
    }

    private static String said(Throwable error) {
        try {
            return error.toString();
        } catch (Throwable failing) { // an error of the cell's own whose message fails
            return error.getClass().getName();
        }
    }

    private void frames(StackTraceElement[] frames, StringBuilder text) {
        int last = frames.length - 1;
        while (last >= 0 && !own(frames[last])) {
            last--; // what is below people's own code called it: this host, or a pool of threads
        }
        int end = last >= 0 ? last + 1 : Math.min(frames.length, MOST_FOREIGN);
        int lines = 0;
        for (int n = 0; n < end && lines < MOST_LINES; lines++) {
            int next = n;
            while (next < end && !own(frames[next])) {
                next++;
            }
            if (next - n > MOST_FOREIGN) {
                text.append("    at ").append(frames[n]).append("\n    ... ").append(next - n - 1).append(" more of libraries\n");
                n = next;
            } else {
                text.append("    at ").append(line(frames[n++])).append('\n');
            }
            if (lines + 1 == MOST_LINES && n < end) {
                text.append("    ... ").append(end - n).append(" more\n");
            }
        }
    }

    private boolean own(StackTraceElement frame) {
        return loader.equals(frame.getClassLoaderName()) && frame.getFileName() != null; // else a proxy that nobody has written
    }

    private String line(StackTraceElement frame) {
        String where = own(frame) ? place.apply(frame) + ":" + frame.getLineNumber() : frame.getFileName() + ":" + frame.getLineNumber();
        String name = frame.getClassName() + "." + frame.getMethodName();
        return name + " (" + (frame.isNativeMethod() ? "native" : where) + ")";
    }
}
