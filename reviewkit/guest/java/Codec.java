package reviewkit.guest;

import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What crosses between parent and guest, as `reviewkit.sandbox.inner.codec` writes and reads it: JSON that keeps exact types.
 *
 * <p>Whole numbers are ints (read as Integer, Long or BigInteger, whichever fits), float and double floats, BigDecimal is a Decimal, byte[]
 * bytes, Instant, OffsetDateTime and LocalDateTime a datetime, LocalDate a date, collections and arrays lists, maps with String keys and
 * records dicts. Everything else does not cross.
 */
final class Codec {
    private static final int MAX_DEPTH = 40;
    private static final int ENVELOPE = 4; // levels that a message adds around a value
    private static final int MAX_INT_BITS = 4096;

    private Codec() {
    }

    /** A value of a kind or size that does not cross. */
    static final class NotPlainError extends RuntimeException {
        private static final long serialVersionUID = 1;

        NotPlainError(String text) {
            super(text);
        }
    }

    static byte[] encode(Object message) {
        StringBuilder text = new StringBuilder();
        write(message, 0, text);
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static void write(Object value, int depth, StringBuilder out) {
        if (depth > MAX_DEPTH + ENVELOPE) {
            throw new NotPlainError("nested deeper than " + MAX_DEPTH);
        }
        if (value == null || value instanceof Boolean || value instanceof Integer || value instanceof Long || value instanceof Short || value instanceof Byte) {
            out.append(value);
        } else if (value instanceof String text) {
            quote(text, out);
        } else if (value instanceof BigInteger whole) {
            if (whole.bitLength() > MAX_INT_BITS) {
                throw new NotPlainError("an int of more than " + MAX_INT_BITS + " bits");
            }
            out.append(whole);
        } else if (value instanceof Double || value instanceof Float) {
            tagged("f", hex(((Number) value).doubleValue()), out);
        } else if (value instanceof BigDecimal decimal) {
            tagged("D", decimal.toString(), out);
        } else if (value instanceof byte[] bytes) {
            tagged("b", Base64.getEncoder().encodeToString(bytes), out);
        } else if (value instanceof Instant instant) {
            tagged("m", instant.toString(), out);
        } else if (value instanceof OffsetDateTime || value instanceof LocalDateTime) {
            tagged("m", value.toString(), out);
        } else if (value instanceof LocalDate) {
            tagged("y", value.toString(), out);
        } else if (value instanceof Collection<?> items) {
            out.append("[\"l\"");
            for (Object item : items) {
                write(item, depth + 1, out.append(','));
            }
            out.append(']');
        } else if (value instanceof Object[] items) {
            write(Arrays.asList(items), depth, out);
        } else if (value instanceof int[] items) {
            write(Arrays.stream(items).boxed().toList(), depth, out);
        } else if (value instanceof Map<?, ?> map) {
            out.append("[\"d\"");
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                if (!(entry.getKey() instanceof String key)) {
                    throw new NotPlainError("a map with keys that are no String");
                }
                quote(key, out.append(','));
                write(entry.getValue(), depth + 1, out.append(','));
            }
            out.append(']');
        } else if (value instanceof Record made) {
            write(parts(made), depth, out);
        } else {
            throw new NotPlainError("an object of class " + value.getClass().getName() + " does not cross the channel; return plain values");
        }
    }

    private static Map<String, Object> parts(Record made) {
        Map<String, Object> parts = new LinkedHashMap<>();
        try {
            for (RecordComponent component : made.getClass().getRecordComponents()) {
                component.getAccessor().setAccessible(true);
                parts.put(component.getName(), component.getAccessor().invoke(made));
            }
        } catch (ReflectiveOperationException | RuntimeException failure) {
            throw new NotPlainError("a record whose parts cannot be read: " + made.getClass().getName());
        }
        return parts;
    }

    private static void tagged(String tag, String text, StringBuilder out) {
        quote(tag, out.append('['));
        quote(text, out.append(','));
        out.append(']');
    }

    private static void quote(String text, StringBuilder out) {
        out.append('"');
        for (int n = 0; n < text.length(); n++) {
            char c = text.charAt(n);
            if (Character.isHighSurrogate(c) && n + 1 < text.length() && Character.isLowSurrogate(text.charAt(n + 1))) {
                out.append(c).append(text.charAt(++n));
            } else if (Character.isSurrogate(c)) {
                throw new NotPlainError("a text with half a surrogate pair does not cross the channel");
            } else if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }

    /** As Python writes a float in hexadecimal. */
    private static String hex(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value < 0 ? "-inf" : "inf";
        }
        return Double.toHexString(value);
    }

    static Object decode(String text) {
        return new Reader(text).value();
    }

    /** Reads the few forms of JSON that the parent writes. */
    private static final class Reader {
        private final String text;
        private int at;

        Reader(String text) {
            this.text = text;
        }

        Object value() {
            char c = text.charAt(at);
            if (c == '[') {
                return array();
            }
            if (c == '"') {
                return string();
            }
            int begin = at;
            while (at < text.length() && ",]".indexOf(text.charAt(at)) < 0) {
                at++;
            }
            String word = text.substring(begin, at);
            return switch (word) {
                case "null" -> null;
                case "true" -> true;
                case "false" -> false;
                default -> whole(word);
            };
        }

        private static Object whole(String word) {
            BigInteger value = new BigInteger(word);
            return value.bitLength() < 32 ? (Object) value.intValue() : value.bitLength() < 64 ? (Object) value.longValue() : value;
        }

        private Object array() {
            at++;
            List<Object> items = new ArrayList<>();
            String tag = string();
            while (text.charAt(at++) == ',') {
                items.add(value());
            }
            String first = items.isEmpty() || !(items.get(0) instanceof String said) ? "" : said;
            return switch (tag) {
                case "l", "t" -> items;
                case "f" -> number(first);
                case "b" -> Base64.getDecoder().decode(first);
                case "D" -> new BigDecimal(first);
                case "m", "M" -> first.matches(".*(Z|[+-]\\d\\d:\\d\\d)$") ? OffsetDateTime.parse(first) : LocalDateTime.parse(first);
                case "y" -> LocalDate.parse(first);
                default -> {
                    Map<String, Object> found = new LinkedHashMap<>();
                    for (int n = 0; n + 1 < items.size(); n += 2) {
                        found.put((String) items.get(n), items.get(n + 1));
                    }
                    yield found;
                }
            };
        }

        private static double number(String text) {
            return switch (text) {
                case "nan" -> Double.NaN;
                case "inf" -> Double.POSITIVE_INFINITY;
                case "-inf" -> Double.NEGATIVE_INFINITY;
                default -> Double.parseDouble(text);
            };
        }

        private String string() {
            StringBuilder made = new StringBuilder();
            for (at++; text.charAt(at) != '"'; at++) {
                char c = text.charAt(at);
                if (c != '\\') {
                    made.append(c);
                    continue;
                }
                c = text.charAt(++at);
                switch (c) {
                    case 'u' -> {
                        made.append((char) Integer.parseInt(text.substring(at + 1, at + 5), 16));
                        at += 4;
                    }
                    case 'n' -> made.append('\n');
                    case 't' -> made.append('\t');
                    case 'r' -> made.append('\r');
                    case 'b' -> made.append('\b');
                    case 'f' -> made.append('\f');
                    default -> made.append(c);
                }
            }
            at++;
            return made.toString();
        }
    }
}
