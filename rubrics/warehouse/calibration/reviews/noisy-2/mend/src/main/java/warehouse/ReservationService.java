package warehouse;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

@Service
public class ReservationService {
    private static final Logger LOG = LoggerFactory.getLogger(ReservationService.class);

    private final StockRepository stock;
    private final ReservationRepository reservations;
    private final AvailabilityCache availability;
    private final AuditPublisher audit;
    private final Map<String, BatchResult> answered = new ConcurrentHashMap<>();

    public ReservationService(StockRepository stock, ReservationRepository reservations, AvailabilityCache availability, AuditPublisher audit) {
        this.stock = stock;
        this.reservations = reservations;
        this.availability = availability;
        this.audit = audit;
    }

    /** Reserve all lines, or answer as before if the key was used before. */
    @Transactional
    public BatchResult reserveBatch(String key, BatchRequest request) {
        BatchResult before = answered.get(key);
        if (before != null) {
            LOG.info("answered {} again", key);
            return before;
        }
        List<Reservation> made = new ArrayList<>();
        for (BatchLine line : request.lines()) {
            made.add(reserve(request.requestedBy(), request.orderRef(), line));
        }
        BatchResult result = new BatchResult(request.orderRef(), List.copyOf(made));
        answered.put(key, result);
        return result;
    }

    @Transactional
    public Reservation reserve(String client, String orderRef, BatchLine line) {
        if (availability.of(line.sku()) < line.quantity()) {
            throw new OutOfStockException(line.sku());
        }
        if (!stock.take(line.sku(), line.quantity())) {
            throw new OutOfStockException(line.sku());
        }
        availability.forget(line.sku());
        Reservation reservation = new Reservation(UUID.randomUUID().toString(), orderRef, client, line.sku(), line.quantity());
        audit.publish(reservation);
        reservations.add(reservation);
        LOG.info("reserved {} of {} for {}", line.quantity(), line.sku(), client);
        return reservation;
    }
}
