package warehouse;

import jakarta.validation.Valid;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.Size;
import java.util.List;

public record BatchRequest(@NotBlank String orderRef, @NotEmpty @Size(max = 100) List<@Valid BatchLine> lines) {
}
