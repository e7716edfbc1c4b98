package warehouse;

import javax.sql.DataSource;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.web.servlet.config.annotation.EnableWebMvc;

/** What the service consists of. The data source, its transaction manager, the clock and the audit bus come from outside. */
@Configuration(proxyBeanMethods = false)
@EnableTransactionManagement
@EnableWebMvc
@Import({ReservationController.class, StockController.class, Problems.class, ReservationService.class, StockRepository.class, ReservationRepository.class, AuditOutbox.class, AuditPublisher.class, AvailabilityCache.class})
public class WarehouseConfig {
    @Bean
    JdbcClient jdbc(DataSource source) {
        return JdbcClient.create(source);
    }
}
