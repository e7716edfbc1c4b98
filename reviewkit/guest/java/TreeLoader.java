package reviewkit.guest;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Holds the classes of a tree in memory: where nothing may be written, guests load, too. Where something may, and Spring is there, which looks for
 * components in files, they are written.
 */
final class TreeLoader extends ClassLoader {
    private static final String RESOURCES = "src/main/resources";

    private final Path root;
    private final Map<String, byte[]> classes;

    private TreeLoader(Path root, Map<String, byte[]> classes) {
        super("tree", TreeLoader.class.getClassLoader());
        this.root = root;
        this.classes = classes;
    }

    static Class<?> driver(Path root, String name, Map<String, byte[]> classes) throws IOException, ClassNotFoundException {
        TreeLoader loader = new TreeLoader(root, classes);
        Path target = Path.of(System.getProperty("java.io.tmpdir"), "classes");
        boolean inFiles = TreeLoader.class.getClassLoader().getResource("org/springframework/core/SpringVersion.class") != null;
        return Class.forName(name, true, inFiles ? loader.written(target) : loader);
    }

    private ClassLoader written(Path target) throws IOException {
        for (Map.Entry<String, byte[]> one : classes.entrySet()) {
            Path file = target.resolve(one.getKey().replace('.', '/') + ".class");
            Files.createDirectories(file.getParent());
            Files.write(file, one.getValue());
        }
        URL[] places = {target.toUri().toURL(), root.resolve(RESOURCES).toUri().toURL()};
        return new URLClassLoader("tree", places, TreeLoader.class.getClassLoader());
    }

    /** Remove what was written, where nobody else does. */
    static synchronized void clear() {
        try (Stream<Path> files = Files.walk(Path.of(System.getProperty("java.io.tmpdir")))) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException | RuntimeException gone) {
            return;
        }
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        byte[] code = classes.get(name);
        if (code == null) {
            throw new ClassNotFoundException(name);
        }
        return defineClass(name, code, 0, code.length);
    }

    @Override
    protected URL findResource(String name) {
        Path file = root.resolve(RESOURCES).resolve(name).normalize();
        try {
            return file.startsWith(root.resolve(RESOURCES)) && Files.isRegularFile(file) ? file.toUri().toURL() : null;
        } catch (MalformedURLException none) {
            return null;
        }
    }

    @Override
    public InputStream getResourceAsStream(String name) {
        byte[] code = name.endsWith(".class") ? classes.get(name.substring(0, name.length() - 6).replace('/', '.')) : null;
        return code == null ? super.getResourceAsStream(name) : new ByteArrayInputStream(code);
    }
}
