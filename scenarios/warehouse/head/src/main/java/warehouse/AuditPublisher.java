package warehouse;

import java.util.List;
import org.springframework.stereotype.Component;

/** Tells the audit service of reservations without the delay of the outbox. */
@Component
public class AuditPublisher {
    private final AuditBus bus;

    public AuditPublisher(AuditBus bus) {
        this.bus = bus;
    }

    public void publish(Reservation reservation) {
        bus.send(List.of(AuditEvent.of(reservation)));
    }
}
