import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DelegatingDataSource;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.mock.web.MockServletConfig;
import org.springframework.mock.web.MockServletContext;
import org.springframework.web.context.support.AnnotationConfigWebApplicationContext;
import org.springframework.web.servlet.DispatcherServlet;
import warehouse.AuditBus;
import warehouse.WarehouseConfig;

/** Follows one reservation through the tree: what is on the stack at each statement, each commit and each request to the audit service. */
public class Tracer {
    private static final Map<String, String> PARTS = Map.of(
            "ReservationController.reserve", "controller", "ReservationService.reserveBatch", "batch", "ReservationService.reserve", "line",
            "AvailabilityCache.of", "cache", "StockRepository.take", "take", "AuditPublisher.publish", "audit", "AuditOutbox.add", "outbox",
            "ReservationRepository.add", "rows");

    private static final List<String> ORDER = new ArrayList<>();
    private static final Map<String, String> MARKS = new LinkedHashMap<>();
    private static JdbcClient outside;

    public static Object follow() throws Exception {
        JdbcDataSource plain = new JdbcDataSource();
        plain.setURL("jdbc:h2:mem:traced;MODE=PostgreSQL;DB_CLOSE_DELAY=-1");
        outside = JdbcClient.create(plain);
        outside.sql("CREATE TABLE stock (sku VARCHAR(40) PRIMARY KEY, available INT NOT NULL)").update();
        outside.sql("CREATE TABLE reservations (id VARCHAR(40), order_ref VARCHAR(40), client VARCHAR(40), sku VARCHAR(40), quantity INT)").update();
        outside.sql("CREATE TABLE audit_outbox (id BIGINT GENERATED ALWAYS AS IDENTITY, reservation_id VARCHAR(40), client VARCHAR(40), sku VARCHAR(40),"
                + " quantity INT)").update();
        outside.sql("INSERT INTO stock VALUES ('sku-1', 10)").update();
        DataSource source = new DelegatingDataSource(plain) {
            @Override
            public Connection getConnection() throws SQLException {
                return watched(super.getConnection());
            }
        };
        AnnotationConfigWebApplicationContext context = new AnnotationConfigWebApplicationContext();
        context.setClassLoader(Tracer.class.getClassLoader());
        context.setServletContext(new MockServletContext());
        context.register(WarehouseConfig.class);
        context.addBeanFactoryPostProcessor(beans -> {
            beans.registerSingleton("dataSource", source);
            beans.registerSingleton("transactionManager", new JdbcTransactionManager(source));
            beans.registerSingleton("clock", Clock.systemUTC());
            beans.registerSingleton("auditBus", (AuditBus) events -> mark("told", look()));
        });
        DispatcherServlet servlet = new DispatcherServlet(context);
        servlet.init(new MockServletConfig(context.getServletContext()));
        MockHttpServletRequest request = new MockHttpServletRequest(context.getServletContext(), "POST", "/reservations");
        request.addHeader("X-Client", "c-1");
        request.setContentType("application/json");
        request.setContent("{\"orderRef\": \"o-1\", \"sku\": \"sku-1\", \"quantity\": 2}".getBytes());
        MockHttpServletResponse response = new MockHttpServletResponse();
        servlet.service(request, response);
        context.close();
        return Map.of("status", response.getStatus(), "order", ORDER, "marks", MARKS);
    }

    private static void mark(String name, String part) {
        MARKS.putIfAbsent(name, part);
    }

    /** Note whatever is on the stack for the first time, outermost first; the innermost part. */
    private static String look() {
        List<String> running = new ArrayList<>();
        for (StackTraceElement frame : Thread.currentThread().getStackTrace()) {
            String part = PARTS.get(frame.getClassName().replaceFirst("^warehouse\\.", "").replaceFirst("\\$\\$.*", "") + "." + frame.getMethodName());
            if (part != null) {
                running.add(part);
            }
        }
        Collections.reverse(running);
        running.stream().filter(part -> !ORDER.contains(part)).forEach(ORDER::add);
        return running.isEmpty() ? "nobody" : running.get(running.size() - 1);
    }

    /** What others see now. */
    private static void compare(String part) {
        if (outside.sql("SELECT available FROM stock").query(Integer.class).single() != 10) {
            mark("gone", part);
        }
        if (outside.sql("SELECT count(*) FROM reservations").query(Integer.class).single() != 0) {
            mark("stays", part);
        }
    }

    private static Connection watched(Connection real) {
        return proxied(Connection.class, real, (method, values, made) -> {
            if (method.getName().equals("commit")) {
                compare(look());
            }
            return made instanceof PreparedStatement statement ? watched(statement, (String) values[0]) : made;
        });
    }

    private static PreparedStatement watched(PreparedStatement real, String sql) {
        return proxied(PreparedStatement.class, real, (method, values, made) -> {
            if (method.getName().startsWith("execute")) {
                String part = look();
                if (sql.startsWith("SELECT available")) {
                    mark("looked", part);
                }
                compare(part);
            }
            return made;
        });
    }

    private interface After {
        Object made(Method method, Object[] values, Object made) throws Throwable;
    }

    private static <T> T proxied(Class<T> type, T real, After after) {
        return type.cast(Proxy.newProxyInstance(Tracer.class.getClassLoader(), new Class<?>[] {type}, (proxy, method, values) -> {
            try {
                return after.made(method, values, method.invoke(real, values));
            } catch (InvocationTargetException failure) {
                throw failure.getCause();
            }
        }));
    }
}
