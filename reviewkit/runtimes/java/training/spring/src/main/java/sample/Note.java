package sample;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Positive;
import jakarta.validation.constraints.Size;
import java.util.List;

/** What is sent in. */
public record Note(@NotBlank @Size(max = 40) String title, @Positive @Min(1) @Max(9) int weight, @NotEmpty List<@NotNull String> words) {
}
