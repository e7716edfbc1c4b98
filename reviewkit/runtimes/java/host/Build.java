package reviewkit.host;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.JavacTask;
import java.io.File;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;

/** Compiles the files of a workspace, again only when one has changed, and cells that use them. */
final class Build {
    static final List<String> PLACES = List.of("src/main/java", "src/test/java");
    private static final List<String> OPTIONS = List.of("-proc:none", "-parameters", "-g", "-Xlint:none", "-nowarn");
    private static final int MOST_ERRORS = 5;

    /** What is wrong with a cell or a file, with its place. */
    static final class Refused extends Exception {
        private static final long serialVersionUID = 1;

        Refused(String text) {
            super(text, null, false, false);
        }
    }

    private final JavaCompiler javac = ToolProvider.getSystemJavaCompiler();
    private final StandardJavaFileManager files = javac.getStandardFileManager(null, Locale.ENGLISH, StandardCharsets.UTF_8);
    private final List<Path> libraries;
    private final Path folder;
    private Map<Path, String> compiled = Map.of();
    private int builds;

    Build(Path folder) {
        this.folder = folder;
        String[] parts = System.getProperty("java.class.path").split(File.pathSeparator);
        libraries = Arrays.stream(parts).skip(1).map(Path::of).toList(); // the first is this program
    }

    /** Folder with the classes of a workspace. */
    Path tree(Path root) throws IOException, Refused {
        Map<Path, String> found = new TreeMap<>();
        for (String place : PLACES) {
            if (Files.isDirectory(root.resolve(place))) {
                try (Stream<Path> paths = Files.walk(root.resolve(place))) {
                    for (Path path : paths.filter(p -> p.toString().endsWith(".java") && Files.isRegularFile(p)).toList()) {
                        found.put(path, Files.readString(path));
                    }
                }
            }
        }
        if (!found.equals(compiled)) {
            compiled = Map.of();
            Path target = Files.createDirectory(folder.resolve("tree-" + ++builds));
            DiagnosticCollector<JavaFileObject> said = new DiagnosticCollector<>();
            JavacTask task = task(said, target, List.of(), files.getJavaFileObjectsFromPaths(found.keySet()));
            if (!found.isEmpty()) {
                compiled("A file of the workspace", task::generate);
            }
            refuse(said, root);
            compiled = found;
        }
        return folder.resolve("tree-" + builds);
    }

    /**
     * Compile a cell.
     *
     * @return names of its types in their order; one of them should have a method `main`
     */
    List<String> cell(Source source, Path tree, Path target, Path root) throws IOException, Refused {
        DiagnosticCollector<JavaFileObject> said = new DiagnosticCollector<>();
        JavacTask task = task(said, target, List.of(tree), List.of(source));
        List<String> names = new ArrayList<>();
        for (CompilationUnitTree unit : compiled(source.name, task::parse)) {
            String prefix = unit.getPackageName() == null ? "" : unit.getPackageName() + ".";
            for (Tree type : unit.getTypeDecls()) {
                if (type instanceof ClassTree named) {
                    names.add(prefix + named.getSimpleName());
                }
            }
        }
        if (said.getDiagnostics().stream().noneMatch(Build::wrong)) {
            compiled(source.name, task::generate);
        }
        refuse(said, root);
        return names;
    }

    /** Whether a cell without a package reads as a file of types one of which can be run. */
    boolean runsAsFile(String name, String cell) throws IOException, Refused {
        DiagnosticCollector<JavaFileObject> said = new DiagnosticCollector<>();
        boolean runs = false;
        JavacTask task = task(said, folder, List.of(), List.of(Source.whole(name, cell)));
        for (CompilationUnitTree unit : compiled(name, task::parse)) {
            for (Tree type : unit.getTypeDecls()) {
                runs |= type instanceof ClassTree named && named.getMembers().stream()
                        .anyMatch(member -> member instanceof MethodTree method && method.getName().contentEquals("main"));
            }
        }
        return runs && said.getDiagnostics().stream().noneMatch(Build::wrong);
    }

    /** A step of the compiler, which follows what is nested by calls that are nested. */
    private static <T> T compiled(String name, Callable<T> step) throws IOException, Refused {
        try {
            return step.call();
        } catch (IOException failure) {
            throw failure;
        } catch (Exception | StackOverflowError failure) {
            for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
                if (cause instanceof StackOverflowError) {
                    throw new Refused(name + ": too deeply nested for the compiler, or an expression of too many parts: split it.");
                }
            }
            throw new IllegalStateException(failure);
        }
    }

    private JavacTask task(DiagnosticCollector<JavaFileObject> said, Path target, List<Path> more, Iterable<? extends JavaFileObject> units)
            throws IOException {
        List<Path> path = new ArrayList<>(more);
        path.addAll(libraries);
        files.setLocationFromPaths(StandardLocation.CLASS_PATH, path);
        files.setLocationFromPaths(StandardLocation.CLASS_OUTPUT, List.of(target));
        files.setLocationFromPaths(StandardLocation.SOURCE_PATH, List.of());
        return (JavacTask) javac.getTask(Writer.nullWriter(), files, said, OPTIONS, null, units);
    }

    private static boolean wrong(Diagnostic<?> diagnostic) {
        return diagnostic.getKind() == Diagnostic.Kind.ERROR;
    }

    private static void refuse(DiagnosticCollector<JavaFileObject> said, Path root) throws Refused, IOException {
        List<Diagnostic<? extends JavaFileObject>> errors = said.getDiagnostics().stream().filter(Build::wrong).toList();
        List<String> texts = new ArrayList<>();
        for (Diagnostic<? extends JavaFileObject> error : errors.subList(0, Math.min(errors.size(), MOST_ERRORS))) {
            texts.add(located(error, root));
        }
        if (errors.size() > MOST_ERRORS) {
            texts.add("and " + (errors.size() - MOST_ERRORS) + " more errors");
        }
        if (!errors.isEmpty()) {
            throw new Refused(String.join("\n", texts));
        }
    }

    /** `place:line:column: message`, with the line and a mark below the column. */
    private static String located(Diagnostic<? extends JavaFileObject> error, Path root) throws IOException {
        String message = error.getMessage(Locale.ENGLISH);
        JavaFileObject file = error.getSource();
        if (file == null) {
            return message;
        }
        boolean inCell = file instanceof Source;
        String text = inCell ? ((Source) file).text() : file.getCharContent(true).toString();
        String name = inCell ? ((Source) file).name : root.relativize(Path.of(file.toUri())).toString().replace(File.separatorChar, '/');
        int at = inCell ? ((Source) file).placed(error.getPosition()) : (int) Math.max(0, Math.min(error.getPosition(), text.length()));
        int begin = text.lastIndexOf('\n', at - 1) + 1;
        int end = text.indexOf('\n', at);
        long line = text.substring(0, begin).chars().filter(c -> c == '\n').count() + 1;
        String shown = text.substring(begin, end < 0 ? text.length() : end).stripTrailing();
        return name + ":" + line + ":" + (at - begin + 1) + ": " + message + "\n    " + shown + "\n    " + " ".repeat(at - begin) + "^";
    }
}
