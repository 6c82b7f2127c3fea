package dev.jacquard.tensor.io;

import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes a safetensors file as a stream: first every tensor is {@link #declare declared}, then the bytes of each come in
 * that order, in as many pieces as the caller likes; nothing is held in memory but the header. Made by {@link
 * SafeTensors#writer}. The file appears, whole and durable, when {@link #close} finds everything written, and never
 * otherwise (see {@link AtomicFile}). Not thread-safe.
 *
 * <p>The data begins at a multiple of 8 bytes and is packed: declare wider element types first if readers want it aligned.
 * Every failure is a {@link DataException}.
 */
public final class SafeTensorsWriter implements AutoCloseable {
    private static final int ALIGNMENT = 8;

    private final Path path;
    private final String file;
    private final AtomicFile out;
    private final Map<String, TensorType> tensors = new LinkedHashMap<>();
    /** Sorted: the same tensors and strings make the same file. */
    private final Map<String, String> metadata = new TreeMap<>();
    /** Tensors yet to be begun; null until the header is written. */
    private Iterator<Map.Entry<String, TensorType>> queue;
    private String current;
    private long left;
    private boolean closed;
    private boolean failed;

    SafeTensorsWriter(Path path) {
        this.path = path;
        this.file = FileErrors.name(path);
        this.out = AtomicFile.open(path);
    }

    /** Announces a tensor; before the first byte is written. @throws DataException if the name is taken or no Unicode text */
    public SafeTensorsWriter declare(String name, TensorType type) {
        requireDeclaring();
        requireText(name);
        if (name.equals(SafeTensorsHeader.METADATA)) {
            throw bad("reserved name", FileErrors.quote(name), "any other name", "rename the tensor");
        }
        if (tensors.containsKey(name)) {
            throw bad("duplicate tensor", FileErrors.quote(name), "each name once", "rename one of the two");
        }
        tensors.put(name, type);
        return this;
    }

    /** Adds strings that travel with the tensors; before the first byte is written. A key given again is replaced. */
    public SafeTensorsWriter metadata(Map<String, String> strings) {
        requireDeclaring();
        strings.forEach((key, value) -> {
            requireText(key);
            requireText(value);
        });
        metadata.putAll(strings);
        return this;
    }

    /**
     * Writes the next bytes of a tensor, as they are in memory: elements in C order, little-endian.
     *
     * @param name the first declared tensor that is not complete yet
     * @param piece all of its bytes or the next part of them, native or heap
     * @throws DataException if the order is not the declared one, there are more bytes than declared, or the disk refuses;
     *     the file is then lost and the old one, if there was one, kept
     */
    public void write(String name, MemorySegment piece) {
        requireOpen("bytes of " + FileErrors.quote(name));
        TensorType type = tensors.get(name);
        if (type != null && type.bytes() == 0 && piece.byteSize() == 0) {
            return;
        }
        boolean done = false;
        try {
            if (queue == null) {
                writeHeader();
            }
            if (!name.equals(current)) {
                throw bad("tensors out of order", FileErrors.quote(name), current == null ? "nothing more" : FileErrors.quote(current),
                        "write tensors completely and in the order declared");
            }
            if (piece.byteSize() > left) {
                throw bad("too many bytes for " + FileErrors.quote(name), Long.toString(piece.byteSize()), left + " left of " + type,
                        "declare the type that is written");
            }
            Bytes.write(out.channel(), piece);
            left -= piece.byteSize();
            advance();
            done = true;
        } catch (IOException e) {
            throw FileErrors.io(path, "cannot be written", e);
        } finally {
            if (!done) {
                fail();
            }
        }
    }

    /**
     * Makes the file appear if everything declared was written; drops it after a failure of this writer, which was
     * reported already.
     *
     * @throws DataException if bytes are missing or the disk refuses; there is then no new file
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try (out) {
            if (failed) {
                return;
            }
            if (queue == null) {
                writeHeader();
            }
            if (current != null) {
                throw bad("incomplete tensors", left + " bytes of " + FileErrors.quote(current) + " missing", "every declared byte",
                        "write all tensors before close()");
            }
            out.commit();
        } catch (IOException e) {
            throw FileErrors.io(path, "cannot be written", e);
        }
    }

    private void writeHeader() throws IOException {
        long total = 0;
        for (TensorType type : tensors.values()) {
            total = type.bytes() > Long.MAX_VALUE / 2 - total ? Long.MAX_VALUE / 2 : total + type.bytes();
        }
        byte[] text = SafeTensorsHeader.print(tensors, metadata).getBytes(StandardCharsets.UTF_8);
        int padded = Math.ceilDiv(text.length, ALIGNMENT) * ALIGNMENT;
        if (padded > SafeTensorsHeader.MAX_BYTES || total == Long.MAX_VALUE / 2) {
            throw bad("too much for one file", padded + " bytes of header, " + total + " of data",
                    "at most " + SafeTensorsHeader.MAX_BYTES + " bytes of header", "split the tensors over several files");
        }
        byte[] header = Arrays.copyOf(text, padded);
        Arrays.fill(header, text.length, padded, (byte) ' ');
        byte[] length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(padded).array();
        Bytes.write(out.channel(), MemorySegment.ofArray(length));
        Bytes.write(out.channel(), MemorySegment.ofArray(header));
        queue = tensors.entrySet().iterator();
        advance();
    }

    /** Steps to the next tensor that has bytes to come. */
    private void advance() {
        while (left == 0) {
            if (!queue.hasNext()) {
                current = null;
                return;
            }
            Map.Entry<String, TensorType> next = queue.next();
            current = next.getKey();
            left = next.getValue().bytes();
        }
    }

    private void requireDeclaring() {
        requireOpen("a declaration");
        if (queue != null) {
            throw bad("header is written", "a late declaration", "all of them before the first byte", "declare every tensor and string first");
        }
    }

    private void requireOpen(String got) {
        if (closed || failed) {
            throw bad("writer is closed", got, "nothing after close() or a failure", "begin a new file");
        }
    }

    private void requireText(String s) {
        try {
            StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(s));
        } catch (CharacterCodingException e) {
            throw bad("not Unicode text", FileErrors.quote(s), "whole surrogate pairs", "correct the string");
        }
    }

    /** Drops the file at once: after a mistake in a chain of declarations nobody holds the writer to close it. */
    private void fail() {
        failed = true;
        out.close();
    }

    /** Any mistake spoils the file: what was meant is not what would be written. */
    private DataException bad(String problem, String got, String expected, String remedy) {
        fail();
        return new DataException(file, problem, got, expected, remedy);
    }
}
