package warehouse;

import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

@RestController
public class StockController {
    private final AvailabilityCache availability;

    public StockController(AvailabilityCache availability) {
        this.availability = availability;
    }

    @GetMapping("/stock/{sku}")
    public Available available(@PathVariable String sku) {
        return new Available(sku, availability.of(sku));
    }

    public record Available(String sku, int units) {
    }
}
