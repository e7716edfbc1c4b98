package warehouse;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.stereotype.Component;

/** Units of each product that can be reserved, kept for half a minute. */
@Component
public class AvailabilityCache {
    private static final Duration LIFE = Duration.ofSeconds(30);

    private final StockRepository stock;
    private final Clock clock;
    private final Map<String, Entry> entries = new ConcurrentHashMap<>();

    public AvailabilityCache(StockRepository stock, Clock clock) {
        this.stock = stock;
        this.clock = clock;
    }

    public int of(String sku) {
        Instant now = clock.instant();
        Entry entry = entries.get(sku);
        if (entry != null && now.isBefore(entry.at().plus(LIFE))) {
            return entry.units();
        }
        int units = stock.units(sku).orElse(0);
        entries.put(sku, new Entry(units, now));
        return units;
    }

    public void forget(String sku) {
        entries.remove(sku);
    }

    private record Entry(int units, Instant at) {
    }
}
