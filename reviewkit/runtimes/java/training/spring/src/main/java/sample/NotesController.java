package sample;

import jakarta.validation.Valid;
import java.util.List;
import java.util.Map;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.bind.annotation.RestControllerAdvice;

@RestController
@RequestMapping("/notes")
public class NotesController {
    private final Notes notes;

    public NotesController(Notes notes) {
        this.notes = notes;
    }

    @PostMapping
    @ResponseStatus(HttpStatus.CREATED)
    public Map<String, Object> write(@RequestHeader("X-Client") String client, @Valid @RequestBody Note note) {
        return Map.of("count", notes.write(note), "client", client);
    }

    @GetMapping("/{title}")
    public ResponseEntity<List<String>> one(@PathVariable String title, @RequestParam(defaultValue = "1") int least) {
        return least > 0 ? ResponseEntity.ok(notes.titles()) : ResponseEntity.notFound().build();
    }

    /** What callers are told when something is not done. */
    @RestControllerAdvice
    public static class Problems {
        @ExceptionHandler(IllegalStateException.class)
        @ResponseStatus(HttpStatus.CONFLICT)
        public Map<String, String> conflict(IllegalStateException problem) {
            return Map.of("error", problem.getMessage());
        }

        @ExceptionHandler(Exception.class)
        public ResponseEntity<Map<String, String>> others(Exception problem) {
            LoggerFactory.getLogger(Problems.class).error("failed", problem);
            return ResponseEntity.badRequest().body(Map.of("error", problem.getClass().getSimpleName()));
        }
    }
}
