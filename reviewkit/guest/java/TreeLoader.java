package reviewkit.guest;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Compiles a tree with its driver and holds the classes in memory: where nothing may be written, guests load, too. Where something may, and
 * Spring is there, which looks for components in files, they are written.
 */
final class TreeLoader extends ClassLoader {
    private static final List<String> OPTIONS = List.of("-proc:none", "-parameters", "-g", "-Xlint:none", "-nowarn", "-implicit:none");
    private static final String RESOURCES = "src/main/resources";

    private final Path root;
    private final Map<String, byte[]> classes = new HashMap<>();

    private TreeLoader(Path root) {
        super("tree", TreeLoader.class.getClassLoader());
        this.root = root;
    }

    /** The tree could not be compiled; the text says where. */
    static final class CompilationError extends RuntimeException {
        private static final long serialVersionUID = 1;

        CompilationError(String text) {
            super(text);
        }
    }

    static Class<?> driver(Path root, String name, String source) throws IOException, ClassNotFoundException {
        TreeLoader loader = new TreeLoader(root);
        String driver = name.replaceFirst("\\.java$", "");
        loader.compile(driver, source);
        Path target = Path.of(System.getProperty("java.io.tmpdir"), "classes");
        boolean inFiles = TreeLoader.class.getClassLoader().getResource("org/springframework/core/SpringVersion.class") != null;
        return Class.forName(driver, true, inFiles ? loader.written(target) : loader);
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

    private void compile(String driver, String source) throws IOException {
        JavaCompiler javac = ToolProvider.getSystemJavaCompiler();
        DiagnosticCollector<JavaFileObject> said = new DiagnosticCollector<>();
        try (StandardJavaFileManager standard = javac.getStandardFileManager(null, Locale.ENGLISH, StandardCharsets.UTF_8)) {
            List<JavaFileObject> units = new ArrayList<>();
            units.add(new SimpleJavaFileObject(URI.create("string:///" + driver + ".java"), JavaFileObject.Kind.SOURCE) {
                @Override
                public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                    return source;
                }

                @Override
                public boolean isNameCompatible(String simpleName, Kind kind) {
                    return true;
                }
            });
            Path main = root.resolve("src/main/java");
            if (Files.isDirectory(main)) {
                try (Stream<Path> files = Files.walk(main)) {
                    standard.getJavaFileObjectsFromPaths(files.filter(file -> file.toString().endsWith(".java")).sorted().toList()).forEach(units::add);
                }
            }
            javac.getTask(null, new InMemory(standard), said, OPTIONS, null, units).call();
        }
        for (Diagnostic<? extends JavaFileObject> one : said.getDiagnostics()) {
            if (one.getKind() == Diagnostic.Kind.ERROR) {
                throw new CompilationError(located(one));
            }
        }
    }

    private String located(Diagnostic<? extends JavaFileObject> error) {
        String text = error.getMessage(Locale.ENGLISH);
        if (error.getSource() == null) {
            return text;
        }
        String file = error.getSource().toUri().getPath();
        String begin = root.toUri().getPath();
        return (file.startsWith(begin) ? file.substring(begin.length()) : file.substring(1)) + ":" + error.getLineNumber() + ": " + text;
    }

    private final class InMemory extends ForwardingJavaFileManager<StandardJavaFileManager> {
        InMemory(StandardJavaFileManager standard) {
            super(standard);
        }

        @Override
        public JavaFileObject getJavaFileForOutput(Location location, String name, JavaFileObject.Kind kind, FileObject sibling) {
            return new SimpleJavaFileObject(URI.create("mem:///" + name.replace('.', '/') + ".class"), kind) {
                @Override
                public OutputStream openOutputStream() {
                    return new ByteArrayOutputStream() {
                        @Override
                        public void close() {
                            classes.put(name, toByteArray());
                        }
                    };
                }
            };
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
