package warehouse;

import jakarta.validation.Valid;
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
        return service.reserve(client, request.orderRef(), new BatchLine(request.sku(), request.quantity()));
    }

    @PostMapping("/batch")
    @ResponseStatus(HttpStatus.CREATED)
    public BatchResult reserveBatch(
            @RequestHeader("X-Client") String client, @RequestHeader("Idempotency-Key") String key, @Valid @RequestBody BatchRequest request) {
        return service.reserveBatch(client, key, request);
    }
}
