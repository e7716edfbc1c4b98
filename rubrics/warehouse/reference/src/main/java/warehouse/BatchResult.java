package warehouse;

import java.util.List;

/** What was reserved, in the order of the request. */
public record BatchResult(String orderRef, List<Reservation> reservations) {
}
