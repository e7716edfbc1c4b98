package reviewkit.guest;

import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Comparator;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** Holds the classes of a tree in memory: where nothing may be written, guests load, too. */
final class TreeLoader extends ClassLoader {
    private static final String RESOURCES = "src/main/resources";
    private static final String ENDING = ".class";

    private final Path resources;
    private final Map<String, byte[]> files = new HashMap<>();

    private TreeLoader(Path root, Map<String, byte[]> classes) {
        super("tree", TreeLoader.class.getClassLoader());
        resources = root.resolve(RESOURCES);
        classes.forEach((name, code) -> files.put(name.replace('.', '/') + ENDING, code));
        TreeUrls.hold(files);
    }

    static Class<?> driver(Path root, String name, Map<String, byte[]> classes) throws ClassNotFoundException {
        return Class.forName(name, true, new TreeLoader(root, classes));
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
        byte[] code = files.get(name.replace('.', '/') + ENDING);
        if (code == null) {
            throw new ClassNotFoundException(name);
        }
        return defineClass(name, code, 0, code.length);
    }

    @Override
    protected URL findResource(String name) {
        try {
            URL inMemory = TreeUrls.of(name);
            return inMemory != null ? inMemory : resource(name);
        } catch (IOException none) {
            return null;
        }
    }

    @Override
    protected Enumeration<URL> findResources(String name) throws IOException {
        return Collections.enumeration(Stream.of(TreeUrls.of(name), resource(name)).filter(Objects::nonNull).toList());
    }

    /** Of the tree's own files; a name can be that of a package as well. */
    private URL resource(String name) throws IOException {
        try {
            Path file = resources.resolve(name).normalize();
            return file.startsWith(resources) && Files.exists(file) ? file.toUri().toURL() : null;
        } catch (InvalidPathException none) {
            return null;
        }
    }
}
