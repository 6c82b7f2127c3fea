package dev.jacquard.onnx;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A protobuf message in the making (protobuf.dev, "Encoding"): of each field a tag, {@code number << 3 | kind}, and its value, in the order they are added. Numbers are varints,
 * seven bits a byte, the lowest first; strings, bytes and messages are their length and their bytes. That is all of the format that ONNX files need.
 *
 * <p>Large arrays are kept by reference, so that weights are in memory once.
 */
final class Message {
    private static final int VARINT = 0;
    private static final int LENGTH = 2;
    private static final int FIXED32 = 5;

    private final List<byte[]> pieces = new ArrayList<>();
    private final ByteArrayOutputStream open = new ByteArrayOutputStream();
    private long closed;

    /** Bytes of the message so far. */
    long size() {
        return closed + open.size();
    }

    /** An int32, int64 or enum; negative ones take ten bytes, as the format has it. */
    Message number(int field, long value) {
        tag(field, VARINT);
        varint(value);
        return this;
    }

    /** A float. */
    Message real(int field, float value) {
        tag(field, FIXED32);
        int bits = Float.floatToRawIntBits(value);
        for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
            open.write(bits >>> shift);
        }
        return this;
    }

    /** A string. */
    Message text(int field, String value) {
        return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    /** Bytes. @param value stays as it is until the message is written */
    Message bytes(int field, byte[] value) {
        tag(field, LENGTH);
        varint(value.length);
        close();
        add(value);
        return this;
    }

    /** A message. @param value is not changed afterwards */
    Message message(int field, Message value) {
        tag(field, LENGTH);
        varint(value.size());
        close();
        value.close();
        value.pieces.forEach(this::add);
        return this;
    }

    /** Writes all of it. */
    void writeTo(OutputStream sink) throws IOException {
        close();
        for (byte[] piece : pieces) {
            sink.write(piece);
        }
    }

    private void tag(int field, int kind) {
        varint((long) field << 3 | kind);
    }

    private void varint(long value) {
        long rest = value;
        while ((rest & ~0x7FL) != 0) {
            open.write((int) (rest & 0x7F | 0x80));
            rest >>>= 7;
        }
        open.write((int) rest);
    }

    private void close() {
        if (open.size() > 0) {
            add(open.toByteArray());
            open.reset();
        }
    }

    private void add(byte[] piece) {
        pieces.add(piece);
        closed += piece.length;
    }
}
