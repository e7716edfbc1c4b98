package warehouse;

import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.Size;
import java.util.List;

public record BatchRequest(@NotBlank String orderRef, @NotBlank String requestedBy, @NotEmpty @Size(max = 100) List<BatchLine> lines) {
}
