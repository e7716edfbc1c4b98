package reviewkit.guest;

import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.net.URLStreamHandler;
import java.util.Collections;
import java.util.Enumeration;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

/**
 * Addresses of classes in memory, `zip:file:/tree!/shop/Stock.class`: Spring looks for components in files or in jars, and takes what has this
 * scheme for a jar. A guest has one tree.
 */
final class TreeUrls {
    private static final String SCHEME = "zip";
    private static volatile Map<String, byte[]> files = Map.of();

    private static final URLStreamHandler HANDLER = new URLStreamHandler() {
        @Override
        protected URLConnection openConnection(URL url) throws IOException {
            return new Connection(url);
        }
    };

    private TreeUrls() {
    }

    /** Class files by path, such as shop/Stock.class. */
    static void hold(Map<String, byte[]> held) {
        files = held;
    }

    /** Where a class file or a package is; null if there is none of this name. */
    static URL of(String name) throws IOException {
        String folder = name.isEmpty() || name.endsWith("/") ? name : name + "/";
        boolean known = files.containsKey(name) || files.keySet().stream().anyMatch(file -> file.startsWith(folder));
        return known ? new URL(null, SCHEME + ":file:/tree!/" + name, HANDLER) : null;
    }

    private static final class Connection extends JarURLConnection {
        Connection(URL url) throws IOException {
            super(url);
        }

        @Override
        public void connect() {
            connected = true;
        }

        @Override
        public JarFile getJarFile() throws IOException {
            return new InMemory();
        }

        @Override
        public InputStream getInputStream() throws IOException {
            byte[] file = files.get(getEntryName());
            if (file == null) {
                throw new FileNotFoundException(getEntryName());
            }
            return new ByteArrayInputStream(file);
        }

        @Override
        public long getContentLengthLong() {
            byte[] file = files.get(getEntryName());
            return file == null ? -1 : file.length;
        }
    }

    /** A jar in name: Java makes none without a file, so that it opens our own and shows the tree's. */
    private static final class InMemory extends JarFile {
        InMemory() throws IOException {
            super(System.getProperty("java.class.path").split(java.io.File.pathSeparator)[0]);
        }

        @Override
        public Enumeration<JarEntry> entries() {
            return Collections.enumeration(stream().toList());
        }

        @Override
        public Stream<JarEntry> stream() {
            return files.keySet().stream().sorted().map(JarEntry::new);
        }

        @Override
        public ZipEntry getEntry(String name) {
            return getJarEntry(name);
        }

        @Override
        public JarEntry getJarEntry(String name) {
            return files.containsKey(name) || name.endsWith("/") ? new JarEntry(name) : null;
        }

        @Override
        public InputStream getInputStream(ZipEntry entry) {
            byte[] file = files.get(entry.getName());
            return file == null ? null : new ByteArrayInputStream(file);
        }
    }
}
