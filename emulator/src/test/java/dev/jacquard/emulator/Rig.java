package dev.jacquard.emulator;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** An emulator with a module, for tests: buffers from arrays, launches with plain values. */
final class Rig implements AutoCloseable {
    final EmulatorDriver driver;
    final long stream;
    private final Arena arena = Arena.ofConfined();
    private final long module;

    /** @param resource a .ptx file beside the tests */
    Rig(EmulatorOptions options, String resource) {
        this(options, resource.replace(".ptx", ""), text(resource));
    }

    Rig(EmulatorOptions options, String name, byte[] ptx) {
        driver = new EmulatorDriver(options);
        stream = driver.createStream();
        module = driver.loadModule(name, ptx);
    }

    /** A module of one kernel {@code k} with parameters {@code in, out} of 64-bit addresses, whose body is given. */
    static Rig of(String registers, String body) {
        String ptx = """
                .version 8.0
                .target sm_75
                .address_size 64
                .visible .entry k(.param .u64 in, .param .u64 out)
                {
                .reg .pred %p<10>; .reg .b16 %h<10>; .reg .b32 %r<20>; .reg .f32 %f<20>; .reg .b64 %rd<20>; .reg .f64 %d<10>;
                """ + registers + body + "\nret;\n}\n";
        return new Rig(EmulatorOptions.DEFAULT, "k", ptx.getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] text(String resource) {
        try (InputStream in = Rig.class.getResourceAsStream(resource)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    long function(String kernel) {
        return driver.function(module, kernel);
    }

    long upload(float... values) {
        return upload(MemorySegment.ofArray(values));
    }

    long upload(int... values) {
        return upload(MemorySegment.ofArray(values));
    }

    long upload(long... values) {
        return upload(MemorySegment.ofArray(values));
    }

    long upload(double... values) {
        return upload(MemorySegment.ofArray(values));
    }

    long upload(byte... values) {
        return upload(MemorySegment.ofArray(values));
    }

    private long upload(MemorySegment values) {
        long to = driver.allocate(values.byteSize());
        driver.copyToDevice(to, values, stream);
        return to;
    }

    float[] floats(long from, int n) {
        float[] to = new float[n];
        driver.copyToHost(MemorySegment.ofArray(to), from, stream);
        return to;
    }

    int[] ints(long from, int n) {
        int[] to = new int[n];
        driver.copyToHost(MemorySegment.ofArray(to), from, stream);
        return to;
    }

    long[] longs(long from, int n) {
        long[] to = new long[n];
        driver.copyToHost(MemorySegment.ofArray(to), from, stream);
        return to;
    }

    /** Launches blocks in a row. @param values Long, Integer, Float, Short, Byte, or a MemorySegment with a struct */
    void launch(String kernel, int blocks, int threads, int sharedBytes, Object... values) {
        MemorySegment pointers = arena.allocate(8L * Math.max(1, values.length), 8);
        for (int i = 0; i < values.length; i++) {
            MemorySegment at = values[i] instanceof MemorySegment s ? s : arena.allocate(8, 8);
            switch (values[i]) {
                case Long v -> at.set(ValueLayout.JAVA_LONG, 0, v);
                case Integer v -> at.set(ValueLayout.JAVA_INT, 0, v);
                case Float v -> at.set(ValueLayout.JAVA_FLOAT, 0, v);
                case Short v -> at.set(ValueLayout.JAVA_SHORT, 0, v);
                case Byte v -> at.set(ValueLayout.JAVA_BYTE, 0, v);
                default -> { }
            }
            pointers.setAtIndex(ValueLayout.JAVA_LONG, i, at.address());
        }
        driver.launch(function(kernel), blocks, 1, 1, threads, 1, 1, sharedBytes, stream, pointers.address());
    }

    MemorySegment struct(long bytes) {
        return arena.allocate(bytes, 8);
    }

    @Override
    public void close() {
        driver.close();
        arena.close();
    }
}
