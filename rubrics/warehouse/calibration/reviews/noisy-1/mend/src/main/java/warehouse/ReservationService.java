package warehouse;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.web.server.ResponseStatusException;

@Service
public class ReservationService {
    private static final Logger LOG = LoggerFactory.getLogger(ReservationService.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final StockRepository stock;
    private final ReservationRepository reservations;
    private final AvailabilityCache availability;
    private final AuditPublisher audit;
    private final JdbcClient jdbc;

    public ReservationService(
            StockRepository stock, ReservationRepository reservations, AvailabilityCache availability, AuditPublisher audit, JdbcClient jdbc) {
        this.stock = stock;
        this.reservations = reservations;
        this.availability = availability;
        this.audit = audit;
        this.jdbc = jdbc;
    }

    /** Reserve all lines or none, or answer as before if this client used the key for the same request before. */
    @Transactional
    public BatchResult reserveBatch(String client, String key, BatchRequest request) {
        String fingerprint = written(request);
        // The row is there, if not yet seen by others, from here on: the same request at the same moment waits for this one.
        if (!claimed(client, key, fingerprint)) {
            LOG.info("answered {} of {} again", key, client);
            return earlier(client, key, fingerprint);
        }
        BatchResult result = new BatchResult(request.orderRef(), made(client, request.orderRef(), request.lines()));
        jdbc.sql("UPDATE request_keys SET answer = ? WHERE client = ? AND request_key = ?").params(written(result), client, key).update();
        return result;
    }

    @Transactional
    public Reservation reserve(String client, String orderRef, BatchLine line) {
        return made(client, orderRef, List.of(line)).get(0);
    }

    private List<Reservation> made(String client, String orderRef, List<BatchLine> lines) {
        Reservation[] made = new Reservation[lines.size()];
        // Rows are locked in one order everywhere, so that two batches never wait for each other.
        IntStream.range(0, made.length).boxed().sorted(Comparator.comparing(n -> lines.get(n).sku())).forEach(n -> {
            BatchLine line = lines.get(n);
            if (!stock.take(line.sku(), line.quantity())) {
                throw new OutOfStockException(line.sku());
            }
            made[n] = new Reservation(UUID.randomUUID().toString(), orderRef, client, line.sku(), line.quantity());
            reservations.add(made[n]);
        });
        List<Reservation> all = List.copyOf(Arrays.asList(made));
        audit.publish(all);
        afterCommit(() -> all.forEach(reservation -> availability.forget(reservation.sku())));
        LOG.info("reserved {} lines of {} for {}", all.size(), orderRef, client);
        return all;
    }

    private boolean claimed(String client, String key, String fingerprint) {
        return jdbc.sql("INSERT INTO request_keys (client, request_key, fingerprint) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
                .params(client, key, fingerprint)
                .update() == 1;
    }

    private BatchResult earlier(String client, String key, String fingerprint) {
        return jdbc.sql("SELECT fingerprint, answer FROM request_keys WHERE client = ? AND request_key = ?")
                .params(client, key)
                .query((row, n) -> {
                    if (!row.getString(1).equals(fingerprint)) {
                        throw new ResponseStatusException(HttpStatus.UNPROCESSABLE_ENTITY, "this key was used for another request");
                    }
                    return read(row.getString(2));
                })
                .single();
    }

    private static void afterCommit(Runnable then) {
        TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {
            @Override
            public void afterCommit() {
                then.run();
            }
        });
    }

    private static String written(Object value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (JsonProcessingException error) {
            throw new IllegalStateException(error);
        }
    }

    private static BatchResult read(String text) {
        try {
            return JSON.readValue(text, BatchResult.class);
        } catch (JsonProcessingException error) {
            throw new IllegalStateException(error);
        }
    }
}
