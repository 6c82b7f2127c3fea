package dev.jacquard.tensor.io;

import static dev.jacquard.tensor.io.TestFiles.refused;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafeTensorsTest {
    @TempDir
    Path folder;

    @Test
    void readsWhatTheReferenceLibraryWrote() {
        Path path = TestFiles.fixture(folder, "all.safetensors");
        try (SafeTensors f = SafeTensors.open(path)) {
            assertEquals(13, f.names().size());
            assertEquals(Map.of("format", "np", "é", "1\n2"), f.metadata());
            for (DType dtype : DType.values()) {
                assertEquals(TensorType.of(dtype, 2, 3), f.type(dtype.toString()));
                byte[] bytes = new byte[6 * dtype.bytes()];
                f.read(dtype.toString(), MemorySegment.ofArray(bytes));
                for (int i = 0; i < 6; i++) {
                    assertEquals(dtype == DType.U8 ? i - 2 & 255 : i - 2, TestFiles.element(dtype, bytes, i), dtype + " element " + i);
                }
                if (dtype.isFloating()) {
                    assertArrayEquals(new float[] {-2, -1, 0, 1, 2, 3}, f.floats(dtype.toString()));
                } else {
                    refused(path, "not a floating tensor", () -> f.floats(dtype.toString()));
                }
            }
            assertEquals(Shape.scalar(), f.type("scalar").shape());
            assertArrayEquals(new float[] {3.5f}, f.floats("scalar"));
            assertEquals(TensorType.f32(0, 3), f.type("empty"));
            assertEquals(0, f.floats("empty").length);
            assertArrayEquals(new float[] {-2}, f.floats("gewicht.ä/重み \"q\" \\ 🧵"));
            refused(path, "unsupported element type: got BOOL", () -> f.type("bool"));
            refused(path, "unsupported element type: got U16", () -> f.read("u16", MemorySegment.ofArray(new byte[4])));
        }
    }

    @Test
    void allTypesComeBackAsWritten() throws IOException {
        Path path = folder.resolve("all.safetensors");
        List<Shape> shapes = List.of(Shape.scalar(), Shape.of(0), Shape.of(3, 0, 2), Shape.of(7), Shape.of(2, 3, 5), Shape.of(1, 1, 1, 1));
        Map<String, String> strings = Map.of("quote\" back\\slash \u0001\n", "käse 🧵 \u2028", "", "");
        try (SafeTensorsWriter w = SafeTensors.writer(path).metadata(strings)) {
            each(shapes, (name, type) -> w.declare(name, type));
            each(shapes, (name, type) -> w.write(name, MemorySegment.ofArray(data(name, type))));
        }
        byte[] bytes = Files.readAllBytes(path);
        assertEquals(0, MemorySegment.ofArray(bytes).get(ValueLayout.JAVA_LONG_UNALIGNED, 0) % 8, "data begins at a multiple of 8");
        try (SafeTensors f = SafeTensors.open(path)) {
            assertEquals(strings, f.metadata());
            assertEquals(shapes.size() * DType.values().length, f.names().size());
            each(shapes, (name, type) -> {
                assertEquals(type, f.type(name));
                byte[] back = new byte[(int) type.bytes()];
                f.read(name, MemorySegment.ofArray(back));
                assertArrayEquals(data(name, type), back, name);
            });
        }
        TestFiles.assertOnly(folder, "all.safetensors");
    }

    private interface Visitor {
        void visit(String name, TensorType type);
    }

    private static void each(List<Shape> shapes, Visitor visitor) {
        for (DType dtype : DType.values()) {
            for (Shape shape : shapes) {
                visitor.visit("層." + dtype + "/" + shape, new TensorType(dtype, shape));
            }
        }
    }

    private static byte[] data(String name, TensorType type) {
        return TestFiles.random(name.hashCode(), (int) type.bytes());
    }

    @Test
    void largeTensorsGoThroughInPiecesFromAnyKindOfMemory() {
        Path path = folder.resolve("large.safetensors");
        int n = 700_001;
        float[] a = new float[n];
        Random random = new Random(3);
        for (int i = 0; i < n; i++) {
            a[i] = random.nextFloat();
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment nativeCopy = arena.allocate(4L * n);
            MemorySegment.copy(a, 0, nativeCopy, ValueLayout.JAVA_FLOAT, 0, n);
            try (SafeTensorsWriter w = SafeTensors.writer(path)) {
                w.declare("heap", TensorType.f32(n)).declare("none", TensorType.f32(0)).declare("native", TensorType.f32(n));
                for (long at = 0, piece = 1; at < 4L * n; at += piece, piece = Math.min(piece * 3, 4L * n - at)) {
                    w.write("heap", MemorySegment.ofArray(a).asSlice(at, Math.min(piece, 4L * n - at)));
                }
                w.write("native", nativeCopy);
            }
            MemorySegment back = arena.allocate(4L * n);
            try (SafeTensors f = SafeTensors.open(path)) {
                assertEquals(List.of("heap", "none", "native"), List.copyOf(f.names()));
                for (String name : List.of("heap", "native")) {
                    assertArrayEquals(a, f.floats(name), name);
                    back.fill((byte) 0);
                    f.read(name, back);
                    assertEquals(-1, back.mismatch(nativeCopy), name);
                    float[] heap = new float[n];
                    f.read(name, MemorySegment.ofArray(heap));
                    assertArrayEquals(a, heap, name);
                }
                back.fill((byte) 0);
                f.floats("heap", back);
                assertEquals(-1, back.mismatch(nativeCopy));
            }
        }
    }

    @Test
    void conversionsToFloatCrossPieceBounds() {
        Path path = folder.resolve("wide.safetensors");
        int n = 100_003;
        double[] d = new double[n];
        short[] h = new short[n];
        short[] b = new short[n];
        for (int i = 0; i < n; i++) {
            d[i] = i * 1e-3 - 7;
            h[i] = Float.floatToFloat16((float) d[i]);
            b[i] = (short) i;
        }
        try (SafeTensorsWriter w = SafeTensors.writer(path)) {
            w.declare("d", TensorType.of(DType.F64, n)).declare("h", TensorType.of(DType.F16, n)).declare("b", TensorType.of(DType.BF16, n));
            w.write("d", MemorySegment.ofArray(d));
            w.write("h", MemorySegment.ofArray(h));
            w.write("b", MemorySegment.ofArray(b));
        }
        try (SafeTensors f = SafeTensors.open(path)) {
            float[] fd = f.floats("d");
            float[] fh = f.floats("h");
            float[] fb = f.floats("b");
            for (int i = 0; i < n; i++) {
                assertEquals((float) d[i], fd[i]);
                assertEquals(Float.float16ToFloat(h[i]), fh[i]);
                assertEquals(Float.floatToRawIntBits(fb[i]) >>> 16, b[i] & 0xffff);
            }
        }
    }

    @Test
    void threadsReadAtOnce() throws Exception {
        Path path = folder.resolve("shared.safetensors");
        int n = 64;
        try (SafeTensorsWriter w = SafeTensors.writer(path)) {
            for (int i = 0; i < n; i++) {
                w.declare("t" + i, TensorType.f32(5000));
            }
            for (int i = 0; i < n; i++) {
                float[] v = new float[5000];
                Arrays.fill(v, i);
                w.write("t" + i, MemorySegment.ofArray(v));
            }
        }
        try (SafeTensors f = SafeTensors.open(path); ExecutorService pool = Executors.newFixedThreadPool(4)) {
            List<Future<Boolean>> results = pool.invokeAll(IntStream.range(0, n).<Callable<Boolean>>mapToObj(i -> () -> {
                float[] v = f.floats("t" + i);
                return v[0] == i && v[4999] == i && Arrays.stream(new int[] {1, 77, 2500}).allMatch(k -> v[k] == i);
            }).toList());
            for (Future<Boolean> r : results) {
                assertTrue(r.get());
            }
        }
    }

    @Test
    void emptyFileOfNoTensors() throws IOException {
        Path path = folder.resolve("none.safetensors");
        SafeTensors.writer(path).metadata(Map.of("step", "7")).close();
        try (SafeTensors f = SafeTensors.open(path)) {
            assertTrue(f.names().isEmpty());
            assertEquals(Map.of("step", "7"), f.metadata());
        }
        SafeTensors.writer(path).close();
        assertEquals(16, Files.size(path));
        try (SafeTensors f = SafeTensors.open(path)) {
            assertTrue(f.names().isEmpty() && f.metadata().isEmpty());
        }
    }

    @Test
    void sameContentMakesTheSameBytes() throws IOException {
        byte[][] files = new byte[2][];
        for (int i = 0; i < 2; i++) {
            Path path = folder.resolve("same" + i);
            try (SafeTensorsWriter w = SafeTensors.writer(path)) {
                w.metadata(i == 0 ? Map.of("a", "1") : Map.of("b", "2")).metadata(i == 0 ? Map.of("b", "2") : Map.of("a", "1"));
                w.declare("x", TensorType.f32(1));
                w.write("x", MemorySegment.ofArray(new float[] {1}));
            }
            files[i] = Files.readAllBytes(path);
        }
        assertArrayEquals(files[0], files[1]);
    }

    @Test
    void callersMistakesInReading() {
        Path path = TestFiles.fixture(folder, "all.safetensors");
        SafeTensors f = SafeTensors.open(path);
        refused(path, "no such tensor: got 'nope'", () -> f.type("nope"));
        refused(path, "no such tensor: got '\\u000a'", () -> f.floats("\n"));
        refused(path, "23 bytes; expected 24 bytes", () -> f.read("f32", MemorySegment.ofArray(new byte[23])));
        refused(path, "does not fit", () -> f.floats("f16", MemorySegment.ofArray(new byte[12])));
        refused(path, "read-only", () -> f.read("f32", MemorySegment.ofArray(new byte[24]).asReadOnly()));
        f.close();
        f.close();
        refused(path, "closed file", () -> f.floats("f32"));
    }

    @Test
    void fileCutWhileOpenIsAnErrorNotSilence() throws IOException {
        Path path = TestFiles.fixture(folder, "all.safetensors");
        try (SafeTensors f = SafeTensors.open(path)) {
            Files.write(path, Arrays.copyOf(Files.readAllBytes(path), 500));
            refused(path, "file ends", () -> f.floats("f32"));
        }
    }

    @Test
    void writersMistakesLeaveTheOldFile() throws IOException {
        Path path = folder.resolve("w.safetensors");
        byte[] old = {9, 9};
        Files.write(path, old);
        MemorySegment four = MemorySegment.ofArray(new float[1]);
        List<Map.Entry<String, Consumer<SafeTensorsWriter>>> mistakes = List.of(
                Map.entry("incomplete tensors", w -> w.declare("a", TensorType.f32(1))),
                Map.entry("incomplete tensors", w -> w.declare("a", TensorType.f32(2)).write("a", four)),
                Map.entry("too many bytes", w -> w.declare("a", TensorType.of(DType.U8, 3)).write("a", four)),
                Map.entry("out of order", w -> w.declare("a", TensorType.f32(1)).declare("b", TensorType.f32(1)).write("b", four)),
                Map.entry("out of order", w -> w.write("undeclared", four)),
                Map.entry("out of order", w -> {
                    w.declare("a", TensorType.f32(1)).write("a", four);
                    w.write("a", four);
                }),
                Map.entry("duplicate tensor", w -> w.declare("a", TensorType.f32(1)).declare("a", TensorType.f32(1))),
                Map.entry("reserved name", w -> w.declare("__metadata__", TensorType.f32(1)).declare("a", TensorType.f32(1))),
                Map.entry("surrogate", w -> w.declare("\ud800", TensorType.f32(1))),
                Map.entry("surrogate", w -> w.metadata(Map.of("k", "\udc00"))),
                Map.entry("too much", w -> w.declare("a", TensorType.of(DType.F64, 1L << 58)).declare("b", TensorType.of(DType.F64, 1L << 58))
                        .declare("c", TensorType.of(DType.F64, 1L << 58)).write("a", four)),
                Map.entry("header is written", w -> {
                    w.declare("a", TensorType.f32(1)).write("a", four);
                    w.declare("b", TensorType.f32(1));
                }),
                Map.entry("writer is closed", w -> {
                    w.declare("a", TensorType.f32(1));
                    refused(path, "out of order", () -> w.write("b", four));
                    w.write("a", four);
                }));
        for (var mistake : mistakes) {
            refused(path, mistake.getKey(), () -> {
                try (SafeTensorsWriter w = SafeTensors.writer(path)) {
                    w.declare("first", TensorType.f32(0));
                    mistake.getValue().accept(w);
                }
            });
            assertArrayEquals(old, Files.readAllBytes(path), mistake.getKey());
            TestFiles.assertOnly(folder, "w.safetensors");
        }
    }

    @Test
    void mistakeInAChainOfDeclarationsLeavesNoTemporaryFile() {
        Path path = folder.resolve("chain.safetensors");
        refused(path, "reserved name", () -> SafeTensors.writer(path).declare("__metadata__", TensorType.f32(1)).close());
        refused(path, "surrogate", () -> SafeTensors.writer(path).metadata(Map.of("\ud800", "")).close());
        TestFiles.assertOnly(folder);
    }

    @Test
    void failureInTheMiddleKeepsTheOldFileAndIsToldOnce() throws IOException {
        Path path = folder.resolve("mid.safetensors");
        Files.write(path, new byte[] {1});
        var e = assertThrows(IllegalStateException.class, () -> {
            try (SafeTensorsWriter w = SafeTensors.writer(path)) {
                w.declare("a", TensorType.f32(1 << 16));
                w.write("a", MemorySegment.ofArray(new byte[1 << 17]));
                throw new IllegalStateException("midway");
            }
        });
        assertEquals("midway", e.getMessage());
        assertArrayEquals(new byte[] {1}, Files.readAllBytes(path));
        TestFiles.assertOnly(folder, "mid.safetensors");
    }
}
