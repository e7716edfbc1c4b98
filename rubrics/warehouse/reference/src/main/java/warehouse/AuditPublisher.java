package warehouse;

import java.util.List;
import org.springframework.stereotype.Component;

/** Tells the audit service of reservations, by way of the outbox. */
@Component
public class AuditPublisher {
    private final AuditOutbox outbox;

    public AuditPublisher(AuditOutbox outbox) {
        this.outbox = outbox;
    }

    /** Inside the transaction that writes them. */
    public void publish(List<Reservation> made) {
        made.forEach(reservation -> outbox.add(AuditEvent.of(reservation)));
    }
}
