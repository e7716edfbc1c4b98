package warehouse;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.springframework.stereotype.Component;

/** Units of each product that can be reserved, as they were at most half a minute ago. For display; what is reserved is decided by the database. */
@Component
public class AvailabilityCache {
    private static final Duration LIFE = Duration.ofSeconds(30);

    private final StockRepository stock;
    private final Clock clock;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private long changes;

    public AvailabilityCache(StockRepository stock, Clock clock) {
        this.stock = stock;
        this.clock = clock;
    }

    public int of(String sku) {
        Instant now = clock.instant();
        long before;
        synchronized (this) {
            Entry entry = entries.get(sku);
            if (entry != null && now.isBefore(entry.at().plus(LIFE))) {
                return entry.units();
            }
            before = changes;
        }
        Optional<Integer> units = stock.units(sku);
        units.ifPresent(found -> keep(sku, new Entry(found, now), before));
        return units.orElse(0);
    }

    /** Unless something was forgotten since it was read. */
    private synchronized void keep(String sku, Entry entry, long before) {
        if (changes == before) {
            entries.put(sku, entry);
        }
    }

    /** To be called when the change is committed. */
    public synchronized void forget(String sku) {
        changes++;
        entries.remove(sku);
    }

    private record Entry(int units, Instant at) {
    }
}
