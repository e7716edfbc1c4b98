package warehouse;

import java.util.List;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.scheduling.annotation.Scheduled;

/** Events that the audit service has not taken yet, stored with what they tell of. */
public class AuditOutbox {
    private static final int AT_ONCE = 500;

    private final JdbcClient jdbc;
    private final AuditBus bus;

    public AuditOutbox(JdbcClient jdbc, AuditBus bus) {
        this.jdbc = jdbc;
        this.bus = bus;
    }

    public void add(AuditEvent event) {
        jdbc.sql("INSERT INTO audit_outbox (reservation_id, client, sku, quantity) VALUES (?, ?, ?, ?)")
                .params(event.reservationId(), event.client(), event.sku(), event.quantity())
                .update();
    }

    /** Send what waits, oldest first; what is not taken waits for the next run. */
    @Scheduled(fixedDelayString = "PT5S")
    public void flush() {
        List<Waiting> waiting = jdbc.sql("SELECT id, reservation_id, client, sku, quantity FROM audit_outbox ORDER BY id LIMIT " + AT_ONCE)
                .query((row, n) -> new Waiting(row.getLong(1), new AuditEvent(row.getString(2), row.getString(3), row.getString(4), row.getInt(5))))
                .list();
        if (waiting.isEmpty()) {
            return;
        }
        bus.send(waiting.stream().map(Waiting::event).toList());
        for (Waiting sent : waiting) {
            jdbc.sql("DELETE FROM audit_outbox WHERE id = ?").param(sent.id()).update();
        }
    }

    private record Waiting(long id, AuditEvent event) {
    }
}
