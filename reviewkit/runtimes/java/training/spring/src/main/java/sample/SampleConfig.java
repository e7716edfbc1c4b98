package sample;

import javax.sql.DataSource;
import org.springframework.cache.annotation.EnableCaching;
import org.springframework.cache.concurrent.ConcurrentMapCacheManager;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.web.servlet.config.annotation.EnableWebMvc;

@Configuration
@ComponentScan
@EnableCaching
@EnableScheduling
@EnableTransactionManagement
@EnableWebMvc
public class SampleConfig {
    @Bean
    JdbcClient client(DataSource source) {
        return JdbcClient.create(source);
    }

    @Bean
    JdbcTemplate template(DataSource source) {
        return new JdbcTemplate(source);
    }

    @Bean
    ConcurrentMapCacheManager caches() {
        return new ConcurrentMapCacheManager();
    }

    @Scheduled(fixedDelayString = "PT1H", initialDelayString = "PT1H")
    void sweep() {
        Thread.yield();
    }
}
