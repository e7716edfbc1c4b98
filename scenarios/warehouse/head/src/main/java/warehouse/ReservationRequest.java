package warehouse;

import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Positive;

public record ReservationRequest(@NotBlank String orderRef, @NotBlank String sku, @Positive int quantity) {
}
