package reviewkit.guest;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/** Compiles a tree with its driver into memory; what comes of it depends on the files alone. */
final class Compilation {
    private static final List<String> OPTIONS = List.of("-proc:none", "-parameters", "-g", "-Xlint:none", "-nowarn", "-implicit:none");

    private final Path root;
    private final Map<String, byte[]> classes = new TreeMap<>();

    private Compilation(Path root) {
        this.root = root;
    }

    /** The tree could not be compiled; the text says where. */
    static final class CompilationError extends RuntimeException {
        private static final long serialVersionUID = 1;

        CompilationError(String text) {
            super(text);
        }
    }

    /** Class files by the names of their classes. */
    static Map<String, byte[]> of(Path root, String driver, String source) throws IOException {
        Compilation made = new Compilation(root);
        made.compile(driver, source);
        return made.classes;
    }

    /** In one piece, as further guests of the tree get them. */
    static byte[] packed(Map<String, byte[]> classes) throws IOException {
        ByteArrayOutputStream made = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(new DeflaterOutputStream(made))) {
            for (Map.Entry<String, byte[]> one : classes.entrySet()) {
                out.writeUTF(one.getKey());
                out.writeInt(one.getValue().length);
                out.write(one.getValue());
            }
            out.writeUTF("");
        }
        return made.toByteArray();
    }

    static Map<String, byte[]> unpacked(byte[] packed) throws IOException {
        Map<String, byte[]> classes = new HashMap<>();
        DataInputStream in = new DataInputStream(new InflaterInputStream(new ByteArrayInputStream(packed)));
        for (String name = in.readUTF(); !name.isEmpty(); name = in.readUTF()) {
            classes.put(name, in.readNBytes(in.readInt()));
        }
        return classes;
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
}
