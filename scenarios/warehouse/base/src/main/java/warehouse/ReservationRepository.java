package warehouse;

import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

@Repository
public class ReservationRepository {
    private final JdbcClient jdbc;

    public ReservationRepository(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    public void add(Reservation reservation) {
        jdbc.sql("INSERT INTO reservations (id, order_ref, client, sku, quantity) VALUES (?, ?, ?, ?, ?)")
                .params(reservation.id(), reservation.orderRef(), reservation.client(), reservation.sku(), reservation.quantity())
                .update();
    }
}
