package warehouse;

import java.util.List;

/** The audit service. */
public interface AuditBus {
    /** Send events, up to 500 at once; throws if they were not taken. An event that comes twice is counted once. */
    void send(List<AuditEvent> events);
}
