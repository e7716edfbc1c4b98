package reviewkit.guest;

import java.io.PrintWriter;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLIntegrityConstraintViolationException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.logging.Logger;
import javax.sql.DataSource;

/**
 * JDBC for a database of the world: as much of it as plain code, JdbcTemplate and Spring's transactions use. Whatever else is asked for is refused
 * by name with an SQLFeatureNotSupportedException, never answered with something made up.
 */
final class WorldSource implements DataSource {
    private final Env env;
    private final String name;

    WorldSource(Env env, String name) {
        this.env = env;
        this.name = name;
    }

    @Override
    public Connection getConnection() {
        Env.Connection link = env.connect(name, null); // each statement is its own transaction until somebody says otherwise
        return made(Connection.class, new Link(link));
    }

    @Override
    public Connection getConnection(String user, String password) {
        return getConnection();
    }

    private interface Calls {
        Object call(String method, Object[] values) throws Exception;
    }

    /** An object of an interface of JDBC of which `calls` does what is known. */
    private static <T> T made(Class<T> type, Calls calls) {
        InvocationHandler handler = (self, method, values) -> {
            Object[] given = values == null ? new Object[0] : values;
            if (method.getDeclaringClass() == Object.class) {
                return switch (method.getName()) {
                    case "equals" -> self == given[0];
                    case "hashCode" -> System.identityHashCode(self);
                    default -> type.getSimpleName() + " of the world";
                };
            }
            try {
                return switch (method.getName()) {
                    case "isWrapperFor" -> ((Class<?>) given[0]).isInstance(self);
                    case "unwrap" -> self;
                    default -> calls.call(method.getName(), given);
                };
            } catch (Env.DatabaseError error) {
                throw error.name.equals("IntegrityError")
                        ? new SQLIntegrityConstraintViolationException(error.getMessage(), "23000", 19)
                        : new SQLException(error.getMessage(), error.getMessage().contains("locked") ? "40001" : "HY000", 1);
            } catch (InvocationTargetException failure) {
                throw failure.getCause();
            }
        };
        return type.cast(Proxy.newProxyInstance(WorldSource.class.getClassLoader(), new Class<?>[] {type}, handler));
    }

    private static Object refused(String what) throws SQLException {
        throw new SQLFeatureNotSupportedException(what + " is not there on a database of the world");
    }

    private static final class Link implements Calls {
        private final Env.Connection link;
        private boolean auto = true;
        private boolean closed;

        Link(Env.Connection link) {
            this.link = link;
        }

        @Override
        public Object call(String method, Object[] values) throws Exception {
            switch (method) {
                case "prepareStatement" -> {
                    return made(PreparedStatement.class, new Order(this, (String) values[0]));
                }
                case "createStatement" -> {
                    return made(Statement.class, new Order(this, null));
                }
                case "setAutoCommit" -> {
                    if (auto != (Boolean) values[0]) {
                        auto = (Boolean) values[0];
                        if (auto) {
                            link.commit();
                        }
                        link.isolation(auto ? null : "");
                    }
                    return null;
                }
                case "commit" -> link.commit();
                case "rollback" -> {
                    if (values.length > 0) {
                        return refused("a savepoint");
                    }
                    link.rollback();
                }
                case "close" -> {
                    if (!closed) {
                        closed = true;
                        link.close();
                    }
                }
                case "getMetaData" -> {
                    return made(DatabaseMetaData.class, (name, none) -> name.equals("getDatabaseProductName") ? "SQLite" : refused("metadata " + name));
                }
                case "setReadOnly", "clearWarnings", "setTransactionIsolation", "setHoldability" -> {
                    return null; // SQLite serializes
                }
                default -> {
                    return switch (method) {
                        case "getAutoCommit" -> auto;
                        case "isClosed" -> closed;
                        case "isValid" -> !closed;
                        case "isReadOnly" -> false;
                        case "getWarnings", "getCatalog", "getSchema" -> null;
                        case "getTransactionIsolation" -> Connection.TRANSACTION_SERIALIZABLE;
                        default -> refused("Connection." + method);
                    };
                }
            }
            return null;
        }
    }

    private static final class Order implements Calls {
        private final Link link;
        private final String prepared;
        private final Map<Integer, Object> parameters = new TreeMap<>();
        private final List<Object[]> batch = new ArrayList<>();
        private Env.Result result;

        Order(Link link, String prepared) {
            this.link = link;
            this.prepared = prepared;
        }

        @Override
        public Object call(String method, Object[] values) throws Exception {
            if (method.startsWith("set") && values.length >= 2 && values[0] instanceof Integer at) {
                parameters.put(at, method.equals("setNull") ? null : plain(values[1]));
                return null;
            }
            switch (method) {
                case "execute", "executeQuery", "executeUpdate", "executeLargeUpdate" -> {
                    result = link.link.execute(prepared != null ? prepared : (String) values[0], parameters.values().toArray());
                    return switch (method) {
                        case "executeQuery" -> rows();
                        case "executeUpdate" -> Math.max(result.changes(), 0);
                        case "executeLargeUpdate" -> (long) Math.max(result.changes(), 0);
                        default -> result.isQuery();
                    };
                }
                case "addBatch" -> {
                    batch.add(parameters.values().toArray());
                    return null;
                }
                case "executeBatch" -> {
                    int[] counts = new int[batch.size()];
                    for (int n = 0; n < counts.length; n++) {
                        counts[n] = link.link.execute(prepared, batch.get(n)).changes();
                    }
                    batch.clear();
                    return counts;
                }
                case "getResultSet" -> {
                    return result == null || !result.isQuery() ? null : rows();
                }
                case "getUpdateCount" -> {
                    int count = result == null || result.isQuery() ? -1 : Math.max(result.changes(), 0);
                    result = null;
                    return count;
                }
                case "clearParameters" -> {
                    parameters.clear();
                    return null;
                }
                case "close", "clearWarnings", "setFetchSize", "setMaxRows", "setQueryTimeout", "closeOnCompletion", "clearBatch" -> {
                    return null;
                }
                case "getWarnings" -> {
                    return null;
                }
                case "getMoreResults", "isClosed" -> {
                    return false;
                }
                default -> {
                    return refused("Statement." + method);
                }
            }
        }

        private ResultSet rows() {
            return made(ResultSet.class, new Rows(result));
        }

        private static Object plain(Object value) {
            if (value instanceof java.sql.Timestamp moment) {
                return moment.toLocalDateTime().toString();
            }
            return value instanceof java.util.UUID || value instanceof java.time.temporal.Temporal || value instanceof java.util.Date || value instanceof Enum
                    ? value.toString() : value instanceof BigDecimal exact ? (Object) exact.doubleValue() : value;
        }
    }

    private static final class Rows implements Calls {
        private final List<String> columns;
        private final List<List<Object>> rows;
        private int at = -1;
        private boolean wasNull;

        Rows(Env.Result result) {
            columns = result.columns();
            rows = result.values();
        }

        @Override
        public Object call(String method, Object[] values) throws Exception {
            switch (method) {
                case "next" -> {
                    return ++at < rows.size();
                }
                case "wasNull" -> {
                    return wasNull;
                }
                case "close", "clearWarnings", "getWarnings", "getStatement" -> {
                    return null;
                }
                case "isClosed" -> {
                    return false;
                }
                case "getRow" -> {
                    return at + 1;
                }
                case "findColumn" -> {
                    return column(values[0]) + 1;
                }
                case "getMetaData" -> {
                    return made(ResultSetMetaData.class, (name, given) -> switch (name) {
                        case "getColumnCount" -> columns.size();
                        case "getColumnLabel", "getColumnName" -> columns.get((Integer) given[0] - 1);
                        default -> refused("ResultSetMetaData." + name);
                    });
                }
                default -> {
                    return method.startsWith("get") && values.length >= 1 ? value(method, values) : refused("ResultSet." + method);
                }
            }
        }

        private int column(Object named) throws SQLException {
            int found = named instanceof Integer number ? number - 1 : -1;
            for (int n = 0; found < 0 && n < columns.size(); n++) {
                found = columns.get(n).equalsIgnoreCase(String.valueOf(named)) ? n : -1;
            }
            if (found < 0 || found >= columns.size()) {
                throw new SQLException("no column " + named, "42S22");
            }
            return found;
        }

        private Object value(String method, Object[] values) throws SQLException {
            if (at < 0 || at >= rows.size()) {
                throw new SQLException("no row here", "24000");
            }
            Object value = rows.get(at).get(column(values[0]));
            wasNull = value == null;
            Object number = value instanceof Number ? value : value instanceof String text && text.matches("-?\\d+(\\.\\d+)?") ? new BigDecimal(text) : 0;
            Class<?> wanted = values.length > 1 && values[1] instanceof Class<?> type ? type : Object.class;
            String kind = method.equals("getObject") && wanted != Object.class ? "get" + wanted.getSimpleName() : method;
            return switch (kind) {
                case "getInt" -> ((Number) number).intValue();
                case "getInteger" -> value == null ? null : ((Number) number).intValue();
                case "getLong" -> value == null && wanted == Long.class ? null : (Object) ((Number) number).longValue();
                case "getDouble" -> value == null && wanted == Double.class ? null : (Object) ((Number) number).doubleValue();
                case "getBoolean" -> value == null && wanted == Boolean.class ? null : (Object) (((Number) number).intValue() != 0);
                case "getBigDecimal" -> value == null ? null : new BigDecimal(String.valueOf(value));
                case "getString" -> value == null ? null : String.valueOf(value);
                case "getObject", "getBytes" -> value;
                default -> refused("ResultSet." + kind);
            };
        }
    }

    @Override
    public PrintWriter getLogWriter() {
        return null;
    }

    @Override
    public void setLogWriter(PrintWriter none) {
        return;
    }

    @Override
    public void setLoginTimeout(int none) {
        return;
    }

    @Override
    public int getLoginTimeout() {
        return 0;
    }

    @Override
    public Logger getParentLogger() throws SQLFeatureNotSupportedException {
        throw new SQLFeatureNotSupportedException();
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
        return type.cast(refused("unwrapping"));
    }

    @Override
    public boolean isWrapperFor(Class<?> type) {
        return false;
    }
}
