package warehouse;

public class OutOfStockException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public OutOfStockException(String sku) {
        super("not enough of " + sku);
    }
}
