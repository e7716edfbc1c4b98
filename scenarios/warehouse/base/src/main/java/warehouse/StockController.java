package warehouse;

import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

@RestController
public class StockController {
    private final StockRepository stock;

    public StockController(StockRepository stock) {
        this.stock = stock;
    }

    @GetMapping("/stock/{sku}")
    public Available available(@PathVariable String sku) {
        return new Available(sku, stock.units(sku).orElse(0));
    }

    public record Available(String sku, int units) {
    }
}
