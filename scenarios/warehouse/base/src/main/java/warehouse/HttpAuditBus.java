package warehouse;

import java.time.Clock;
import java.util.List;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.http.client.SimpleClientHttpRequestFactory;
import org.springframework.web.client.RestClient;

/** The audit service, as it is reached in production. */
public class HttpAuditBus implements AuditBus {
    private final RestClient client;

    public HttpAuditBus(@Value("${audit.url}") String url) {
        SimpleClientHttpRequestFactory factory = new SimpleClientHttpRequestFactory();
        factory.setConnectTimeout(1_000);
        factory.setReadTimeout(2_000);
        client = RestClient.builder().baseUrl(url).requestFactory(factory).build();
    }

    @Override
    public void send(List<AuditEvent> events) {
        client.post().uri("/events").body(events).retrieve().toBodilessEntity();
    }

    @Bean
    static Clock clock() {
        return Clock.systemUTC();
    }
}
