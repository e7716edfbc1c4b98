import java.math.BigDecimal;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.SecureRandom;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import reviewkit.guest.Env;
import sample.Totals;

/** What a driver and a small tree do, once, while the archive of classes is made. */
public class Driver {
    public static void setup(Env env) {
        env.state.put("totals", new Totals());
    }

    public static Object sums(Env env, List<Integer> units, BigDecimal price) throws Exception {
        List<Totals.Line> lines = new ArrayList<>();
        units.forEach(count -> lines.add(new Totals.Line("s-" + count, count, price)));
        return ((Totals) env.state.get("totals")).sums(lines);
    }

    public static Object world(Env env) throws Exception {
        env.log(Map.of("event", "begun", "id", UUID.randomUUID().toString(), "at", Instant.EPOCH, "chance", new SecureRandom().nextInt(3)));
        env.emit("fact", Map.of("n", 1));
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://world/x")).timeout(Duration.ofSeconds(2)).POST(HttpRequest.BodyPublishers.ofString("{}")).build();
        int status = env.httpClient().send(request, HttpResponse.BodyHandlers.ofString()).statusCode();
        try (var db = env.dataSource("main").getConnection(); var order = db.prepareStatement("SELECT n FROM t WHERE n = ?")) {
            db.setAutoCommit(false);
            order.setInt(1, 1);
            try (var rows = order.executeQuery()) {
                while (rows.next()) {
                    status += rows.getInt("n");
                }
            }
            db.commit();
        } catch (SQLException error) {
            throw new IllegalStateException(error);
        }
        return status;
    }

    public static void fails() {
        throw new IllegalStateException("as it should");
    }

    public static void teardown() {
        Thread.yield();
    }
}
