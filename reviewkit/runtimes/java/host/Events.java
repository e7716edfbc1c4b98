package reviewkit.host;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** Events on the process's own standard output: RS and one line of JSON in ASCII. */
final class Events {
    private final OutputStream out;

    Events(OutputStream out) {
        this.out = out;
    }

    void ready() {
        send("{\"ready\":true}");
    }

    void stream(long id, String name, String text) {
        send("{\"id\":" + id + ",\"stream\":\"" + name + "\",\"text\":" + quoted(text) + "}");
    }

    /**
     * How a request ended.
     *
     * @param kind null if all went well
     * @param last whether this process is not to be used again
     */
    void end(long id, String kind, String text, long began, boolean last) {
        String error = kind == null ? "null" : "{\"kind\":" + quoted(kind) + ",\"text\":" + quoted(text) + "}";
        long micros = (System.nanoTime() - began) / 1000;
        send("{\"id\":" + id + ",\"end\":true,\"error\":" + error + ",\"last\":" + last + ",\"ms\":" + micros / 1000.0 + "}");
    }

    private synchronized void send(String json) {
        try {
            out.write(("\n\u001e" + json + "\n").getBytes(StandardCharsets.US_ASCII));
            out.flush();
        } catch (IOException gone) {
            Runtime.getRuntime().halt(0);
        }
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder(text.length() + 2).append('"');
        for (int n = 0; n < text.length(); n++) {
            char c = text.charAt(n);
            if (c == '"' || c == '\\') {
                quoted.append('\\').append(c);
            } else if (c >= ' ' && c < 127) {
                quoted.append(c);
            } else {
                quoted.append(String.format("\\u%04x", (int) c));
            }
        }
        return quoted.append('"').toString();
    }
}
