package warehouse;

import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

@Repository
public class StockRepository {
    private final JdbcClient jdbc;

    public StockRepository(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** Units that can be reserved; empty for a product that we do not have. */
    public Optional<Integer> units(String sku) {
        return jdbc.sql("SELECT available FROM stock WHERE sku = ?").param(sku).query(Integer.class).optional();
    }

    /** Take units off; false, and nothing taken, if there are fewer. */
    public boolean take(String sku, int quantity) {
        return jdbc.sql("UPDATE stock SET available = available - ? WHERE sku = ? AND available >= ?").params(quantity, sku, quantity).update() == 1;
    }
}
