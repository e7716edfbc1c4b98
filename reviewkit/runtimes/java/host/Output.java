package reviewkit.host;

import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** What cells see as standard output or standard error. */
final class Output extends OutputStream {
    private final String stream;
    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE).onUnmappableCharacter(CodingErrorAction.REPLACE);
    private byte[] begun = {}; // of a character that is not complete yet
    volatile Cell latest; // whose output it is when a thread of the library writes

    Output(String stream) {
        this.stream = stream;
    }

    @Override
    public void write(int value) {
        write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public synchronized void write(byte[] bytes, int offset, int length) {
        ByteBuffer all = ByteBuffer.allocate(begun.length + length).put(begun).put(bytes, offset, length).flip();
        CharBuffer text = CharBuffer.allocate(all.remaining());
        decoder.decode(all, text, false);
        begun = new byte[all.remaining()];
        all.get(begun);
        Cell cell = Cell.current();
        cell = cell == null ? latest : cell;
        if (cell != null && text.position() > 0) {
            cell.write(stream, text.flip().toString());
        }
    }
}
