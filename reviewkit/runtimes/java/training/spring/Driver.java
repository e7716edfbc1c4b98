import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.mock.web.MockServletConfig;
import org.springframework.mock.web.MockServletContext;
import org.springframework.test.util.AopTestUtils;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.web.context.support.AnnotationConfigWebApplicationContext;
import org.springframework.web.servlet.DispatcherServlet;
import reviewkit.guest.Env;
import sample.Notes;
import sample.SampleConfig;

/** What a service with Spring does, once, while the archive of classes is made: its servlet, a database, transactions, refusals. */
public class Driver {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static AnnotationConfigWebApplicationContext context;
    private static DispatcherServlet servlet;

    @EnableTransactionManagement
    static class Plain {
    }

    public static void setup(Env env) throws Exception {
        if (LoggerFactory.getILoggerFactory() instanceof ch.qos.logback.classic.LoggerContext logs) {
            logs.getLogger("ROOT").setLevel(ch.qos.logback.classic.Level.OFF);
        }
        JdbcDataSource source = new JdbcDataSource();
        source.setURL("jdbc:h2:mem:sample;MODE=PostgreSQL;DB_CLOSE_DELAY=-1");
        new JdbcTemplate(source).execute("CREATE TABLE notes (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title VARCHAR(40) NOT NULL UNIQUE, weight INT)");
        context = new AnnotationConfigWebApplicationContext();
        context.setClassLoader(Driver.class.getClassLoader());
        context.setServletContext(new MockServletContext());
        context.register(SampleConfig.class);
        context.addBeanFactoryPostProcessor(beans -> {
            beans.registerSingleton("dataSource", source);
            beans.registerSingleton("transactionManager", new JdbcTransactionManager(source));
        });
        servlet = new DispatcherServlet(context);
        servlet.init(new MockServletConfig(context.getServletContext()));
    }

    public static Object requests() throws Exception {
        Map<String, Object> good = Map.of("title", "a", "weight", 1, "words", List.of("x"));
        return List.of(answer("POST", "/notes", good), answer("POST", "/notes", good), answer("POST", "/notes", Map.of("title", "")),
                answer("POST", "/notes", "[]"), answer("GET", "/notes/a", null), answer("GET", "/notes/a?least=x", null), answer("GET", "/none", null),
                context.getBean(Notes.class).all().size(), AopTestUtils.getUltimateTargetObject(context.getBean(Notes.class)).getClass().getName());
    }

    private static Object answer(String method, String path, Object body) throws Exception {
        MockHttpServletRequest request = new MockHttpServletRequest(context.getServletContext(), method, path);
        request.addHeader("X-Client", "c-1");
        if (body != null) {
            request.setContentType("application/json");
            request.setContent(JSON.writeValueAsBytes(body));
        }
        MockHttpServletResponse response = new MockHttpServletResponse();
        servlet.service(request, response);
        byte[] said = response.getContentAsByteArray();
        return List.of(response.getStatus(), said.length == 0 ? "" : JSON.readValue(said, Object.class));
    }

    public static Object world(Env env) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://world/x")).timeout(Duration.ofSeconds(2)).POST(HttpRequest.BodyPublishers.ofByteArray(JSON.writeValueAsBytes(List.of()))).build();
        int status = env.httpClient().send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
        DataSource source = env.dataSource("main");
        try (AnnotationConfigApplicationContext plain = new AnnotationConfigApplicationContext()) {
            plain.registerBean(JdbcTemplate.class, () -> new JdbcTemplate(source));
            plain.registerBean(DataSourceTransactionManager.class, () -> new DataSourceTransactionManager(source));
            plain.register(Plain.class);
            plain.refresh();
            return status + plain.getBean(JdbcTemplate.class).queryForObject("SELECT n FROM t WHERE n = ?", Integer.class, 1);
        }
    }

    public static void teardown() {
        context.close();
    }
}
