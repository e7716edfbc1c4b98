package sample;

import java.math.BigDecimal;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;

/** What ordinary code uses of Java: its classes come out of the archive in guests. */
public final class Totals {
    private final Map<String, Integer> kept = new ConcurrentHashMap<>();
    private final ReentrantLock lock = new ReentrantLock();

    /** One position. */
    public record Line(String sku, int units, BigDecimal price) {
        public Line {
            if (units < 0) {
                throw new IllegalArgumentException("units " + units);
            }
        }
    }

    /** Kinds of answers. */
    public sealed interface Answer permits Taken, Refused {
    }

    /** Done. */
    public record Taken(int units) implements Answer {
    }

    /** Not done. */
    public record Refused(String why) implements Answer {
    }

    public Answer take(Line line) {
        lock.lock();
        try {
            int now = kept.merge(line.sku(), line.units(), Integer::sum);
            return now > 100 ? new Refused("too many of %s: %d".formatted(line.sku(), now)) : new Taken(now);
        } finally {
            lock.unlock();
        }
    }

    public Map<String, Object> sums(List<Line> lines) throws Exception {
        Map<String, BigDecimal> sums = lines.stream().collect(Collectors.groupingBy(Line::sku, TreeMap::new,
                Collectors.reducing(BigDecimal.ZERO, line -> line.price().multiply(BigDecimal.valueOf(line.units())), BigDecimal::add)));
        Optional<Line> dearest = lines.stream().max(Comparator.comparing(Line::price).thenComparing(Line::sku));
        var pool = Executors.newFixedThreadPool(2);
        try {
            List<Answer> answers = new ArrayList<>();
            for (var future : pool.invokeAll(lines.stream().<java.util.concurrent.Callable<Answer>>map(line -> () -> take(line)).toList(), 10, TimeUnit.SECONDS)) {
                answers.add(future.get());
            }
            Map<String, Object> made = new HashMap<>(sums);
            made.put("answers", answers.stream().map(answer -> answer instanceof Taken taken ? taken.units() : ((Refused) answer).why()).toList());
            made.put("dearest", dearest.map(Line::sku).orElse(""));
            made.put("queue", new ArrayDeque<>(sums.keySet()).stream().collect(Collectors.joining(", ")));
            return made;
        } finally {
            pool.shutdown();
        }
    }
}
