package warehouse;

import jakarta.validation.Valid;
import java.util.List;
import java.util.UUID;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/reservations")
public class ReservationController {
    private final ReservationService service;

    public ReservationController(ReservationService service) {
        this.service = service;
    }

    @PostMapping
    @ResponseStatus(HttpStatus.CREATED)
    public Reservation reserve(@RequestHeader("X-Client") String client, @Valid @RequestBody ReservationRequest request) {
        BatchLine line = new BatchLine(request.sku(), request.quantity());
        return service.reserveBatch(UUID.randomUUID().toString(), new BatchRequest(request.orderRef(), client, List.of(line))).reservations().get(0);
    }

    @PostMapping("/batch")
    @ResponseStatus(HttpStatus.CREATED)
    public BatchResult reserveBatch(@RequestHeader("Idempotency-Key") String key, @Valid @RequestBody BatchRequest request) {
        return service.reserveBatch(key, request);
    }
}
