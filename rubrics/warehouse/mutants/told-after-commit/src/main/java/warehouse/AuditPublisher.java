package warehouse;

import java.util.List;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/** Tells the audit service of reservations, by way of the outbox. */
@Component
public class AuditPublisher {
    private final AuditBus bus;

    public AuditPublisher(AuditBus bus) {
        this.bus = bus;
    }

    public void publish(List<Reservation> made) {
        TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {
            @Override
            public void afterCommit() {
                bus.send(made.stream().map(AuditEvent::of).toList());
            }
        });
    }
}
