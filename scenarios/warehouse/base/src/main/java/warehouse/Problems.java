package warehouse;

import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.ErrorResponse;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestControllerAdvice;

/** What callers are told when something is not done. */
@RestControllerAdvice
public class Problems {
    private static final Logger LOG = LoggerFactory.getLogger(Problems.class);

    @ExceptionHandler(OutOfStockException.class)
    @ResponseStatus(HttpStatus.CONFLICT)
    public Map<String, String> outOfStock(OutOfStockException problem) {
        return Map.of("error", problem.getMessage());
    }

    /** Exceptions that carry a status keep it; all others are ours. */
    @ExceptionHandler(Exception.class)
    public ResponseEntity<Map<String, String>> others(Exception problem) {
        if (problem instanceof ErrorResponse known) {
            return ResponseEntity.status(known.getStatusCode()).body(Map.of("error", String.valueOf(known.getBody().getDetail())));
        }
        if (problem instanceof org.springframework.http.converter.HttpMessageNotReadableException) {
            return ResponseEntity.badRequest().body(Map.of("error", "the body cannot be read"));
        }
        LOG.error("request failed", problem);
        return ResponseEntity.internalServerError().body(Map.of("error", "internal error"));
    }
}
