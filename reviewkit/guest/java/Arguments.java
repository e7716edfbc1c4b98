package reviewkit.guest;

import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a driver's method gets for its parameters: by name, numbers in the type that it declares. */
final class Arguments {
    private Arguments() {
    }

    static Object[] of(Method method, Env env, Map<String, Object> named) {
        Parameter[] parameters = method.getParameters();
        Object[] values = new Object[parameters.length];
        int used = 0;
        for (int n = 0; n < values.length; n++) {
            if (parameters[n].getType() == Env.class) {
                values[n] = env;
            } else if (named.containsKey(parameters[n].getName())) {
                values[n] = fitted(named.get(parameters[n].getName()), parameters[n].getParameterizedType());
                used++;
            } else {
                throw new IllegalArgumentException(method.getName() + " needs '" + parameters[n].getName() + "'");
            }
        }
        if (used < named.size()) {
            throw new IllegalArgumentException(method.getName() + " has no parameter for some of " + named.keySet());
        }
        return values;
    }

    private static Object fitted(Object value, Type type) {
        if (value instanceof Number number && type instanceof Class<?> wanted) {
            return number(number, wanted);
        }
        if (value instanceof List<?> items && type instanceof ParameterizedType of) {
            return items.stream().map(item -> fitted(item, of.getActualTypeArguments()[0])).collect(java.util.stream.Collectors.toCollection(java.util.ArrayList::new));
        }
        if (value instanceof Map<?, ?> map && type instanceof ParameterizedType of) {
            Map<Object, Object> made = new LinkedHashMap<>();
            map.forEach((key, item) -> made.put(key, fitted(item, of.getActualTypeArguments()[1])));
            return made;
        }
        return value;
    }

    private static Object number(Number number, Class<?> wanted) {
        if (wanted == long.class || wanted == Long.class) {
            return number instanceof Integer ? (Object) number.longValue() : number;
        }
        if (wanted == double.class || wanted == Double.class) {
            return number.doubleValue();
        }
        if (wanted == BigDecimal.class && !(number instanceof BigDecimal)) {
            return new BigDecimal(number.toString());
        }
        return number;
    }
}
