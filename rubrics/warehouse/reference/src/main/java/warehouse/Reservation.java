package warehouse;

/** Units of one product that are kept for an order. */
public record Reservation(String id, String orderRef, String client, String sku, int quantity) {
}
