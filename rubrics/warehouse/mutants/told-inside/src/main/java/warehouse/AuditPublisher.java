package warehouse;

import java.util.List;
import org.springframework.stereotype.Component;

/** Tells the audit service of reservations, by way of the outbox. */
@Component
public class AuditPublisher {
    private final AuditOutbox outbox;
    private final AuditBus bus;

    public AuditPublisher(AuditOutbox outbox, AuditBus bus) {
        this.outbox = outbox;
        this.bus = bus;
    }

    public void publish(List<Reservation> made) {
        List<AuditEvent> events = made.stream().map(AuditEvent::of).toList();
        try {
            bus.send(events);
        } catch (RuntimeException unreachable) {
            events.forEach(outbox::add);
        }
    }
}
