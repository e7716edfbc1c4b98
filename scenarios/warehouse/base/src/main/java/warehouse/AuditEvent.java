package warehouse;

/** Who has reserved what. */
public record AuditEvent(String reservationId, String client, String sku, int quantity) {
    static AuditEvent of(Reservation reservation) {
        return new AuditEvent(reservation.id(), reservation.client(), reservation.sku(), reservation.quantity());
    }
}
