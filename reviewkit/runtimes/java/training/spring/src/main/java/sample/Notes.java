package sample;

import java.util.List;
import java.util.Map;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.transaction.event.TransactionPhase;
import org.springframework.transaction.event.TransactionalEventListener;

@Service
public class Notes {
    private final JdbcClient client;
    private final JdbcTemplate template;
    private final ApplicationEventPublisher events;

    public Notes(JdbcClient client, JdbcTemplate template, ApplicationEventPublisher events) {
        this.client = client;
        this.template = template;
        this.events = events;
    }

    /** Something was written. */
    public record Written(String title) {
    }

    @Transactional
    public int write(Note note) {
        try {
            client.sql("INSERT INTO notes (title, weight) VALUES (?, ?)").params(note.title(), note.weight()).update();
        } catch (DuplicateKeyException twice) {
            throw new IllegalStateException("twice", twice);
        }
        events.publishEvent(new Written(note.title()));
        return template.queryForObject("SELECT count(*) FROM notes WHERE weight >= ?", Integer.class, 0);
    }

    @Transactional(propagation = Propagation.REQUIRES_NEW, readOnly = true)
    public List<Map<String, Object>> all() {
        return client.sql("SELECT title, weight FROM notes ORDER BY title").query().listOfRows();
    }

    public List<String> titles() {
        return client.sql("SELECT title FROM notes WHERE weight > :least").param("least", 0).query((row, n) -> row.getString(1)).list();
    }

    @TransactionalEventListener(phase = TransactionPhase.AFTER_COMMIT)
    public void written(Written event) {
        template.update("UPDATE notes SET weight = weight + 1 WHERE title = ?", event.title());
    }
}
