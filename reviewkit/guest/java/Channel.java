package reviewkit.guest;

import java.io.DataInputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;

/** The guest's end of the wire; messages as in `reviewkit.sandbox.inner.wire`. */
final class Channel {
    private static final int MAX_FROM_GUEST = 1_000_000;

    private final DataInputStream in;
    private final OutputStream out;
    private final AtomicInteger next = new AtomicInteger(1);
    private final Map<Integer, CompletableFuture<Object>> waiting = new ConcurrentHashMap<>();

    /** Takes each thing to do. */
    interface Work {
        void begin(int number, String op, Map<String, Object> payload);
    }

    /** The world could not answer a request; the text says why. */
    public static final class WorldError extends RuntimeException {
        private static final long serialVersionUID = 1;

        WorldError(String text) {
            super(text);
        }
    }

    /** Ends this process when nobody holds the other end of a pipe any more. */
    static Runnable ending(int number) throws ReflectiveOperationException {
        FileInputStream pipe = new FileInputStream(descriptor(number));
        return () -> {
            try {
                pipe.read();
            } catch (IOException gone) {
                // as at the end
            }
            TreeLoader.clear();
            Runtime.getRuntime().halt(0);
        };
    }

    private static FileDescriptor descriptor(int number) throws ReflectiveOperationException {
        FileDescriptor made = new FileDescriptor();
        Field field = FileDescriptor.class.getDeclaredField("fd"); // Java has no other way to a descriptor that it was given
        field.setAccessible(true);
        field.setInt(made, number);
        return made;
    }

    Channel(int number) throws ReflectiveOperationException {
        FileDescriptor wire = descriptor(number);
        in = new DataInputStream(new FileInputStream(wire));
        out = new FileOutputStream(wire);
    }

    /** Read until the parent has gone: nobody is left to answer to then. */
    @SuppressWarnings("unchecked")
    void read(Work work) {
        try {
            while (true) {
                byte[] head = in.readNBytes(4);
                if (head.length < 4) {
                    break;
                }
                byte[] text = in.readNBytes(ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getInt());
                List<Object> message = (List<Object>) Codec.decode(new String(text, StandardCharsets.UTF_8));
                int number = (Integer) message.get(1);
                switch ((String) message.get(0)) {
                    case "do" -> work.begin(number, (String) message.get(2), (Map<String, Object>) message.get(3));
                    case "answer" -> waiting.remove(number).complete(message.get(2));
                    default -> waiting.remove(number).completeExceptionally(new WorldError((String) message.get(2)));
                }
            }
        } catch (IOException gone) {
            // as at the end of input
        } finally {
            TreeLoader.clear();
            Runtime.getRuntime().halt(0);
        }
    }

    /** Answer a piece of work; what does not cross is an error of whoever returned it. */
    void done(int number, Map<String, Object> reply) {
        byte[] frame;
        try {
            frame = Codec.encode(Arrays.asList("done", number, reply));
        } catch (Codec.NotPlainError error) {
            frame = Codec.encode(Arrays.asList("done", number, Map.of("error", "NotPlainError", "message", error.getMessage())));
        }
        if (frame.length > MAX_FROM_GUEST) {
            String text = frame.length + " bytes are more than the " + MAX_FROM_GUEST + " that cross the channel at once";
            frame = Codec.encode(Arrays.asList("done", number, Map.of("error", "ResultTooLarge", "message", text)));
        }
        send(frame);
    }

    /** Ask the world and wait. */
    @SuppressWarnings("unchecked")
    Map<String, Object> ask(String op, Map<String, Object> payload) {
        int number = next.getAndIncrement();
        byte[] frame = sized(Codec.encode(Arrays.asList("ask", number, op, payload)));
        CompletableFuture<Object> answer = new CompletableFuture<>();
        waiting.put(number, answer);
        send(frame);
        try {
            return (Map<String, Object>) answer.get();
        } catch (ExecutionException refused) {
            throw (WorldError) refused.getCause();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new WorldError("interrupted while it waited for " + op);
        }
    }

    /** Say something that nobody answers. */
    void tell(String op, Map<String, Object> payload) {
        send(sized(Codec.encode(Arrays.asList("tell", next.getAndIncrement(), op, payload))));
    }

    private static byte[] sized(byte[] frame) {
        if (frame.length > MAX_FROM_GUEST) {
            throw new Codec.NotPlainError(frame.length + " bytes are more than the " + MAX_FROM_GUEST + " that cross the channel at once");
        }
        return frame;
    }

    private synchronized void send(byte[] text) {
        ByteBuffer frame = ByteBuffer.allocate(4 + text.length).order(ByteOrder.LITTLE_ENDIAN).putInt(text.length).put(text);
        try {
            out.write(frame.array());
        } catch (IOException gone) {
            Runtime.getRuntime().halt(0);
        }
    }
}
