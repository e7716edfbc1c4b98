package warehouse;

import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Positive;

public record BatchLine(@NotBlank String sku, @Positive int quantity) {
}
