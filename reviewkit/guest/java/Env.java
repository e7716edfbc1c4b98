package reviewkit.guest;

import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpClient;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import javax.sql.DataSource;

/** What a driver gets: handles to the world outside, as `reviewkit.guest` gives them to Python. */
public final class Env {
    private final Channel channel;
    /** What the driver keeps between calls. */
    public final Map<String, Object> state = new ConcurrentHashMap<>();

    Env(Channel channel) {
        this.channel = channel;
    }

    /** Send a fact out; it arrives in `world.facts`. */
    public void emit(String kind, Map<String, ?> data) {
        channel.tell("emit", parts("kind", kind, "data", data));
    }

    /** Send an event to `world.logs`. */
    public void log(Map<String, ?> event) {
        channel.tell("log", parts("event", event));
    }

    /** A reply of the world to a request. */
    public record Reply(int status, Map<String, Object> headers, byte[] body) {
    }

    /** Java's HTTP client; the world answers its requests. */
    public HttpClient httpClient() {
        return new WorldClient(this);
    }

    /**
     * Send a request by HTTP; the world answers it.
     *
     * @param limit how long the caller would wait; null for ever
     * @throws IOException as Java's own client: HttpTimeoutException, ConnectException
     */
    @SuppressWarnings("unchecked")
    public Reply http(String method, String url, Map<String, String> headers, byte[] body, Duration limit) throws IOException, InterruptedException {
        Double seconds = limit == null ? null : limit.toNanos() / 1e9;
        Map<String, Object> timeout = seconds == null ? null : parts("connect", seconds, "read", seconds, "write", seconds, "pool", seconds);
        Map<String, Object> reply = channel.ask("http", parts(
                "method", method, "url", url, "headers", headers, "body", body, "timeout", timeout, "sync", true));
        switch ((String) reply.get("outcome")) {
            case "timeout" -> throw new HttpTimeoutException("request timed out");
            case "refused" -> throw new ConnectException("Connection refused");
            case "hang" -> new CountDownLatch(1).await();
            default -> {
                return new Reply((Integer) reply.get("status"), (Map<String, Object>) reply.get("headers"), (byte[]) reply.get("body"));
            }
        }
        throw new IllegalStateException("nobody ends this wait");
    }

    /** Connect to a database of the world; statements run in a transaction that the first write begins. */
    public Connection connect(String name) {
        return connect(name, "");
    }

    Connection connect(String name, String isolation) {
        Map<String, Object> reply = channel.ask("db.connect", parts("name", name, "isolation_level", isolation));
        return new Connection((Integer) checked(reply).get("connection"));
    }

    /** A database of the world for JDBC: plain code, JdbcTemplate, Spring's transactions. */
    public DataSource dataSource(String name) {
        return new WorldSource(this, name);
    }

    /** An error of the database, with the name that its driver gives it. */
    public static final class DatabaseError extends RuntimeException {
        private static final long serialVersionUID = 1;
        /** Such as IntegrityError. */
        public final String name;

        DatabaseError(String name, String text) {
            super(text);
            this.name = name;
        }
    }

    /** What a statement gave; a query has columns. */
    public record Result(List<String> columns, List<List<Object>> values, int changes) {
        boolean isQuery() {
            return !columns.isEmpty();
        }

        /** The rows by names of columns. */
        public List<Map<String, Object>> rows() {
            List<Map<String, Object>> rows = new ArrayList<>();
            for (List<Object> row : values) {
                Map<String, Object> named = new LinkedHashMap<>();
                for (int n = 0; n < columns.size(); n++) {
                    named.put(columns.get(n), row.get(n));
                }
                rows.add(named);
            }
            return rows;
        }
    }

    /** One connection to a database of the world. */
    public final class Connection implements AutoCloseable {
        private final int number;

        private Connection(int number) {
            this.number = number;
        }

        /** Run a statement with `?` for each parameter. */
        @SuppressWarnings("unchecked")
        public Result execute(String sql, Object... parameters) {
            Map<String, Object> reply = checked(channel.ask(
                    "db.execute", parts("connection", number, "sql", sql, "parameters", Arrays.asList(parameters))));
            List<String> columns = reply.get("columns") == null ? List.of() : (List<String>) reply.get("columns");
            List<List<Object>> values = reply.get("rows") == null ? List.of() : (List<List<Object>>) reply.get("rows");
            return new Result(columns, values, (Integer) reply.get("rowcount"));
        }

        void isolation(String value) {
            checked(channel.ask("db.isolation", parts("connection", number, "value", value)));
        }

        public void commit() {
            checked(channel.ask("db.commit", parts("connection", number)));
        }

        public void rollback() {
            checked(channel.ask("db.rollback", parts("connection", number)));
        }

        @Override
        public void close() {
            checked(channel.ask("db.close", parts("connection", number)));
        }
    }

    private static Map<String, Object> checked(Map<String, Object> reply) {
        if (reply.get("error") != null) {
            throw new DatabaseError((String) reply.get("error"), (String) reply.get("message"));
        }
        return reply;
    }

    private static Map<String, Object> parts(Object... pairs) {
        Map<String, Object> made = new LinkedHashMap<>();
        for (int n = 0; n < pairs.length; n += 2) {
            made.put((String) pairs[n], pairs[n + 1]);
        }
        return made;
    }
}
