package warehouse;

import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

@Service
public class ReservationService {
    private static final Logger LOG = LoggerFactory.getLogger(ReservationService.class);

    private final StockRepository stock;
    private final ReservationRepository reservations;
    private final AuditOutbox outbox;

    public ReservationService(StockRepository stock, ReservationRepository reservations, AuditOutbox outbox) {
        this.stock = stock;
        this.reservations = reservations;
        this.outbox = outbox;
    }

    @Transactional
    public Reservation reserve(String client, ReservationRequest request) {
        if (!stock.takeIfThere(request.sku(), request.quantity())) {
            throw new OutOfStockException(request.sku());
        }
        Reservation reservation = new Reservation(UUID.randomUUID().toString(), request.orderRef(), client, request.sku(), request.quantity());
        reservations.add(reservation);
        outbox.add(AuditEvent.of(reservation));
        LOG.info("reserved {} of {} for {}", request.quantity(), request.sku(), client);
        return reservation;
    }
}
