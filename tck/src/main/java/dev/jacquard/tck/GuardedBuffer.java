package dev.jacquard.tck;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Elements;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.View;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/**
 * Memory between two guard bands. The bands are NaN in every floating type, so that a kernel which reads beyond its operand poisons its result; and they
 * are looked at afterwards, so that one which writes there is found.
 */
final class GuardedBuffer implements AutoCloseable {
    private static final int BAND = 256;
    private static final byte GUARD = (byte) 0xff;

    private final Buffer whole;
    private final Buffer inner;
    private final int bytes;
    private final String what;

    GuardedBuffer(Backend backend, long bytes, String what) {
        this.bytes = Math.toIntExact(bytes);
        this.what = what;
        whole = backend.allocate(bytes + 2 * BAND, what);
        inner = whole.slice(BAND, bytes);
        byte[] all = new byte[this.bytes + 2 * BAND];
        Arrays.fill(all, GUARD);
        upload(whole, all);
    }

    /** Memory for an operand, holding its values; what lies between them is NaN. */
    static GuardedBuffer holding(Backend backend, DType dtype, Layout layout, double[] values, String what) {
        GuardedBuffer b = new GuardedBuffer(backend, layout.end() * dtype.bytes(), what);
        byte[] data = new byte[b.bytes];
        Arrays.fill(data, GUARD);
        MemorySegment m = MemorySegment.ofArray(data);
        long[] dims = layout.shape().dims();
        long[] index = new long[dims.length];
        for (double value : values) {
            Elements.set(m, dtype, layout.position(index), value);
            for (int a = dims.length - 1; a >= 0 && ++index[a] == dims[a]; a--) {
                index[a] = 0;
            }
        }
        upload(b.inner, data);
        return b;
    }

    private static void upload(Buffer to, byte[] data) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(Math.max(data.length, 1), 64).asSlice(0, data.length);
            host.copyFrom(MemorySegment.ofArray(data));
            to.upload(0, host);
        }
    }

    private static byte[] download(Buffer from, int bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(Math.max(bytes, 1), 64).asSlice(0, bytes);
            from.download(0, host);
            return host.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    View view(DType dtype, Layout layout) {
        return new View(inner, dtype, layout);
    }

    Buffer buffer() {
        return inner;
    }

    byte[] contents() {
        return download(inner, bytes);
    }

    void set(byte[] data) {
        upload(inner, data);
    }

    /** Fills the memory between the bands with one byte. */
    void fill(int value) {
        byte[] data = new byte[bytes];
        Arrays.fill(data, (byte) value);
        upload(inner, data);
    }

    /** What was done to the bands; empty if nothing. */
    Optional<String> damage() {
        byte[] all = download(whole, bytes + 2 * BAND);
        for (int i = 0; i < all.length; i++) {
            boolean band = i < BAND || i >= BAND + bytes;
            if (band && all[i] != GUARD) {
                return Optional.of("guard band broken: a write " + (i < BAND ? BAND - i + " bytes before the beginning" : i - BAND - bytes + " bytes after the end")
                        + " of " + what + " (" + bytes + " bytes)");
            }
        }
        return Optional.empty();
    }

    @Override
    public void close() {
        inner.close();
        whole.close();
    }
}
