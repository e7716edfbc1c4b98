package reviewkit.host;

import java.net.URI;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.SimpleJavaFileObject;

/**
 * A cell as the compiler sees it. What is put around it stands in lines of the cell, so that lines are the same.
 *
 * <p>A cell with a package is compiled as it is. One without becomes part of the package `cells`: as a file of types if it reads as one, else
 * as statements, in the method `main` of a class `Cell`; imports come first in both.
 */
final class Source extends SimpleJavaFileObject {
    private static final String PACKAGE = "package cells; ";
    private static final String BEFORE = " public class Cell { public static void main(String[] args) throws Throwable { ";
    private static final String AFTER = "\n}}\n";
    private static final String BLANK = "(?:\\s|//[^\\n]*(?:\\n|$)|/\\*(?s:.*?)\\*/)*+";
    private static final Pattern PACKAGED = Pattern.compile(BLANK + "package\\s");
    private static final Pattern IMPORTS = Pattern.compile("(?:" + BLANK + "import\\s[^;]*;)*+");

    final String name;
    private final String cell;
    private final String before;
    private final int split; // where in the cell `inside` is put
    private final String inside;
    private final String after;

    private Source(String name, String cell, String before, int split, String inside, String after) {
        super(URI.create("string:///Cell.java"), Kind.SOURCE);
        this.name = name;
        this.cell = cell;
        this.before = before;
        this.split = split;
        this.inside = inside;
        this.after = after;
    }

    static boolean packaged(String cell) {
        return PACKAGED.matcher(cell).lookingAt();
    }

    static Source whole(String name, String cell) {
        return new Source(name, cell, packaged(cell) ? "" : PACKAGE, 0, "", "");
    }

    static Source statements(String name, String cell) {
        Matcher imports = IMPORTS.matcher(cell);
        int split = imports.lookingAt() ? imports.end() : 0;
        return new Source(name, cell, PACKAGE, split, BEFORE, AFTER);
    }

    @Override
    public boolean isNameCompatible(String simpleName, Kind kind) {
        return true; // a cell may hold a public class of any name
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
        return before + cell.substring(0, split) + inside + cell.substring(split) + after;
    }

    /** The text of the cell, and where in it a place of the compiled text is. */
    String text() {
        return cell;
    }

    int placed(long position) {
        long inCell = position - before.length();
        if (inCell > split) {
            inCell = Math.max(split, inCell - inside.length());
        }
        return (int) Math.max(0, Math.min(inCell, cell.stripTrailing().length()));
    }
}
