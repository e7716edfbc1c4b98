import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.slf4j.LoggerFactory;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DelegatingDataSource;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.mock.web.MockServletConfig;
import org.springframework.mock.web.MockServletContext;
import org.springframework.test.util.AopTestUtils;
import org.springframework.web.context.support.AnnotationConfigWebApplicationContext;
import org.springframework.web.servlet.DispatcherServlet;
import reviewkit.guest.Env;
import warehouse.AuditBus;
import warehouse.AuditEvent;
import warehouse.AuditOutbox;
import warehouse.WarehouseConfig;

/** How the warehouse service is called: through its own servlet, on a database in memory. Runs beside the code under review. */
public class Driver {
    private static final String[] SCHEMA = {
        "CREATE TABLE stock (sku VARCHAR(40) PRIMARY KEY, available INT NOT NULL)",
        "CREATE TABLE reservations (id VARCHAR(40) PRIMARY KEY, order_ref VARCHAR(40) NOT NULL, client VARCHAR(40) NOT NULL, sku VARCHAR(40) NOT NULL,"
                + " quantity INT NOT NULL)",
        "CREATE TABLE audit_outbox (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, reservation_id VARCHAR(40) NOT NULL, client VARCHAR(40) NOT NULL,"
                + " sku VARCHAR(40) NOT NULL, quantity INT NOT NULL)",
        "CREATE TABLE request_keys (client VARCHAR(40) NOT NULL, request_key VARCHAR(80) NOT NULL, fingerprint VARCHAR(20000) NOT NULL,"
                + " answer VARCHAR(40000), PRIMARY KEY (client, request_key))",
    };
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int STEADY_POLLS = 25;
    private static final int POLL_MILLIS = 10;
    private static final int MOST_POLLS = 1_000;
    private static final long SPIN_NANOS = 200_000_000;

    private static Shop shop;
    private static JdbcClient outside;
    private static volatile Hold hold;
    private static volatile Fault fault;
    private static volatile Thread later;
    private static volatile long begun;
    private static final AtomicInteger AT_THE_WORLD = new AtomicInteger();

    /** One process of the service. */
    private record Shop(AnnotationConfigWebApplicationContext context, DispatcherServlet servlet, Time time) {
    }

    private static final class Time extends Clock {
        private volatile Instant now = Instant.parse("2026-03-02T08:00:00Z");

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    /** Stops the first thread of a kind that comes to a statement, before or after the database has done it. */
    private record Hold(Thread thread, Pattern sql, boolean after, CountDownLatch there, CountDownLatch go) {
    }

    /** Lets a statement fail once, the one after `skip` others like it. */
    private record Fault(Pattern sql, AtomicInteger skip) {
    }

    public static void setup(Env env) throws Exception {
        if (LoggerFactory.getILoggerFactory() instanceof ch.qos.logback.classic.LoggerContext logs) {
            logs.getLogger("ROOT").setLevel(ch.qos.logback.classic.Level.OFF);
        }
        JdbcDataSource plain = new JdbcDataSource();
        plain.setURL("jdbc:h2:mem:warehouse;MODE=PostgreSQL;DB_CLOSE_DELAY=-1;LOCK_TIMEOUT=20000");
        env.state.put("plain", plain);
        outside = JdbcClient.create(plain);
        for (String statement : SCHEMA) {
            outside.sql(statement).update();
        }
        shop = process(env);
    }

    public static void teardown() {
        shop.context().close();
    }

    /** Put units of a product on the shelves that the warehouse did not have. */
    public static void shelve(String sku, int units) {
        fault = null;
        outside.sql("INSERT INTO stock VALUES (?, ?)").params(sku, units).update();
    }

    /** What a deployment does: this process goes, the next one comes; the database stays. */
    public static void restart(Env env) throws Exception {
        shop.context().close();
        shop = process(env);
    }

    private static Shop process(Env env) throws Exception {
        Time time = new Time();
        DataSource source = new DelegatingDataSource((DataSource) env.state.get("plain")) {
            @Override
            public Connection getConnection() throws SQLException {
                return watched(super.getConnection());
            }
        };
        AnnotationConfigWebApplicationContext context = new AnnotationConfigWebApplicationContext();
        context.setClassLoader(Driver.class.getClassLoader());
        context.setServletContext(new MockServletContext());
        context.register(WarehouseConfig.class);
        context.addBeanFactoryPostProcessor(beans -> {
            beans.registerSingleton("dataSource", source);
            beans.registerSingleton("transactionManager", new JdbcTransactionManager(source));
            beans.registerSingleton("clock", time);
            beans.registerSingleton("auditBus", (AuditBus) events -> send(env, events));
        });
        DispatcherServlet servlet = new DispatcherServlet(context);
        servlet.init(new MockServletConfig(context.getServletContext()));
        return new Shop(context, servlet, time);
    }

    private static void send(Env env, List<AuditEvent> events) {
        AT_THE_WORLD.incrementAndGet();
        try {
            HttpRequest request = HttpRequest.newBuilder(URI.create("http://audit/events"))
                    .header("content-type", "application/json")
                    .timeout(Duration.ofSeconds(2))
                    .POST(HttpRequest.BodyPublishers.ofByteArray(JSON.writeValueAsBytes(events)))
                    .build();
            int status = env.httpClient().send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
            if (status >= 300) {
                throw new IllegalStateException("the audit service answered " + status);
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(error);
        } finally {
            AT_THE_WORLD.decrementAndGet();
        }
    }

    /** Reserve several lines, each a pair of product and quantity; `by` is whom the body names. */
    public static Object batch(String key, String client, String order, String by, List<List<Object>> lines) throws Exception {
        List<Object> made = new ArrayList<>();
        for (List<Object> line : lines) {
            made.add(Map.of("sku", line.get(0), "quantity", line.get(1)));
        }
        return answered("POST", "/reservations/batch", client, key, Map.of("orderRef", order, "requestedBy", by, "lines", made));
    }

    /** Reserve units of one product. */
    public static Object single(String client, String order, String sku, int quantity) throws Exception {
        return answered("POST", "/reservations", client, null, Map.of("orderRef", order, "sku", sku, "quantity", quantity));
    }

    /** What the service shows as available. */
    public static Object available(String sku) throws Exception {
        return answered("GET", "/stock/" + sku, "c-1", null, null);
    }

    private static Object answered(String method, String path, String client, String key, Object body) throws Exception {
        MockHttpServletRequest request = new MockHttpServletRequest(shop.context().getServletContext(), method, path);
        request.addHeader("X-Client", client);
        if (key != null) {
            request.addHeader("Idempotency-Key", key);
        }
        if (body != null) {
            request.setContentType("application/json");
            request.setContent(JSON.writeValueAsBytes(body));
        }
        MockHttpServletResponse response = new MockHttpServletResponse();
        shop.servlet().service(request, response);
        byte[] said = response.getContentAsByteArray();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("status", response.getStatus());
        answer.put("body", said.length == 0 ? null : JSON.readValue(said, Object.class));
        return answer;
    }

    /** Units that the database has, by product. */
    public static Object units() {
        Map<String, Object> units = new LinkedHashMap<>();
        outside.sql("SELECT sku, available FROM stock ORDER BY sku").query((row, n) -> units.put(row.getString(1), row.getInt(2))).list();
        return units;
    }

    /** Reservations that the database has. */
    public static Object reservations() {
        return outside.sql("SELECT order_ref, client, sku, quantity FROM reservations ORDER BY sku, order_ref, quantity").query().listOfRows().stream()
                .map(row -> List.of(row.get("ORDER_REF"), row.get("CLIENT"), row.get("SKU"), row.get("QUANTITY")))
                .toList();
    }

    /** What another process or a delivery does: set the units of a product. */
    public static void set(String sku, int units) {
        outside.sql("UPDATE stock SET available = ? WHERE sku = ?").params(units, sku).update();
    }

    /** Let time pass. */
    public static void pass(int seconds) {
        shop.time().now = shop.time().now.plusSeconds(seconds);
    }

    /** A run of the outbox, which the timer does every five seconds. */
    public static void flush() {
        shop.context().getBean(AuditOutbox.class).flush();
    }

    /** How many things the maps and collections of the service's parts hold in memory. */
    public static int kept() throws IllegalAccessException {
        int kept = 0;
        for (String name : shop.context().getBeanDefinitionNames()) {
            Object part = AopTestUtils.getUltimateTargetObject(shop.context().getBean(name));
            for (Class<?> type = part.getClass(); type.getName().startsWith("warehouse."); type = type.getSuperclass()) {
                for (Field field : type.getDeclaredFields()) {
                    field.setAccessible(true);
                    Object value = field.get(part);
                    kept += value instanceof Map<?, ?> map ? map.size() : value instanceof Collection<?> items ? items.size() : 0;
                }
            }
        }
        return kept;
    }

    /** Let a statement that matches fail, once, after `skip` others like it. */
    public static void fails(String sql, int skip) {
        fault = new Fault(Pattern.compile(sql, Pattern.CASE_INSENSITIVE), new AtomicInteger(skip));
    }

    /**
     * Two calls: the first is held at its first statement that matches, before or after the database has done it; then the second runs
     * until it is done or waits for the first; then the first goes on. H2 waits for a key that another transaction is writing by trying
     * again without pause: one statement that has had so much processor time waits, too.
     */
    public static Object during(String sql, boolean after, List<Object> first, List<Object> second) throws Exception {
        Map<String, Object> answers = new LinkedHashMap<>();
        Thread one = calling("first", first, answers);
        Thread two = calling("second", second, answers);
        Hold held = new Hold(one, Pattern.compile(sql, Pattern.CASE_INSENSITIVE), after, new CountDownLatch(1), new CountDownLatch(1));
        hold = held;
        one.start();
        held.there().await();
        boolean wasHeld = one.isAlive() && hold == null;
        later = two;
        two.start();
        for (int steady = 0, polls = 0; two.isAlive() && steady < STEADY_POLLS && polls < MOST_POLLS; polls++) {
            two.join(POLL_MILLIS);
            boolean waits = two.getState() == Thread.State.RUNNABLE ? spins(two) : two.getState() != Thread.State.NEW;
            steady = waits && AT_THE_WORLD.get() == 0 ? steady + 1 : 0;
        }
        held.go().countDown();
        one.join();
        two.join();
        hold = null;
        later = null;
        return Map.of("held", wasHeld, "first", answers.get("first"), "second", answers.get("second"));
    }

    private static boolean spins(Thread thread) {
        long since = begun;
        return since > 0 && ManagementFactory.getThreadMXBean().getThreadCpuTime(thread.getId()) - since > SPIN_NANOS;
    }

    /** Do a statement, and let others see how long it is at it. */
    private static Object timed(Work work) throws Throwable {
        if (Thread.currentThread() != later) {
            return work.done();
        }
        begun = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        try {
            return work.done();
        } finally {
            begun = 0;
        }
    }

    @SuppressWarnings("unchecked")
    private static Thread calling(String name, List<Object> call, Map<String, Object> answers) {
        ClassLoader loader = Thread.currentThread().getContextClassLoader();
        Thread thread = new Thread(() -> {
            Object answer;
            try {
                List<Object> values = call.subList(1, call.size());
                answer = switch ((String) call.get(0)) {
                    case "batch" -> batch((String) values.get(0), (String) values.get(1), (String) values.get(2), (String) values.get(1),
                            (List<List<Object>>) values.get(3));
                    case "single" -> single((String) values.get(0), (String) values.get(1), (String) values.get(2), (Integer) values.get(3));
                    default -> available((String) values.get(0));
                };
            } catch (Exception error) {
                answer = Map.of("status", 0, "body", String.valueOf(error));
            }
            synchronized (answers) {
                answers.put(name, answer);
            }
            Hold held = hold;
            if (held != null && held.thread() == Thread.currentThread()) {
                held.there().countDown();
            }
        }, name);
        thread.setContextClassLoader(loader);
        thread.setDaemon(true);
        return thread;
    }

    private static Connection watched(Connection real) {
        return (Connection) proxy(Connection.class, (proxy, method, values) -> {
            Object made = method.getName().equals("commit") ? heldAt("commit", () -> call(real, method, values)) : call(real, method, values);
            return made instanceof PreparedStatement statement ? statement(statement, (String) values[0]) : made;
        });
    }

    private static Object statement(PreparedStatement real, String sql) {
        return proxy(PreparedStatement.class, (proxy, method, values) -> {
            if (!method.getName().startsWith("execute")) {
                return call(real, method, values);
            }
            Fault wrong = fault;
            if (wrong != null && wrong.sql().matcher(sql).find() && wrong.skip().getAndDecrement() == 0) {
                throw new SQLException("the disk is full", "53100");
            }
            return heldAt(sql, () -> timed(() -> call(real, method, values)));
        });
    }

    private interface Work {
        Object done() throws Throwable;
    }

    private static Object heldAt(String sql, Work work) throws Throwable {
        Hold held = hold;
        if (held == null || held.thread() != Thread.currentThread() || !held.sql().matcher(sql).find()) {
            return work.done();
        }
        hold = null;
        Object done = held.after() ? work.done() : null;
        held.there().countDown();
        held.go().await();
        return held.after() ? done : work.done();
    }

    private static Object proxy(Class<?> type, java.lang.reflect.InvocationHandler handler) {
        return Proxy.newProxyInstance(Driver.class.getClassLoader(), new Class<?>[] {type}, handler);
    }

    private static Object call(Object target, Method method, Object[] values) throws Throwable {
        try {
            return method.invoke(target, values);
        } catch (InvocationTargetException failure) {
            throw failure.getCause();
        }
    }
}
