package dev.jacquard.tensor.io;

import static dev.jacquard.tensor.io.TestFiles.npy;
import static dev.jacquard.tensor.io.TestFiles.refused;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Halves;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

class NpyTest {
    private static final Map<String, DType> BY_NAME = Map.of("f4", DType.F32, "f8", DType.F64, "f2", DType.F16, "i1", DType.I8, "u1", DType.U8, "i4",
            DType.I32, "i8", DType.I64);

    @TempDir
    Path folder;

    @Test
    void readsAndWritesWhatNumpyWrote() throws IOException {
        for (Map.Entry<String, DType> e : BY_NAME.entrySet()) {
            Path path = TestFiles.fixture(folder, e.getKey() + ".npy");
            try (Npy f = Npy.open(path)) {
                assertEquals(TensorType.of(e.getValue(), 2, 3), f.type());
                byte[] bytes = bytes(f);
                for (int i = 0; i < 6; i++) {
                    assertEquals(e.getValue() == DType.U8 ? i - 2 & 255 : i - 2, TestFiles.element(e.getValue(), bytes, i));
                }
                if (e.getValue().isFloating()) {
                    assertArrayEquals(new float[] {-2, -1, 0, 1, 2, 3}, f.floats());
                } else {
                    refused(path, "not a floating tensor", f::floats);
                }
            }
        }
        for (String name : List.of("f4", "f8", "f2", "i1", "u1", "i4", "i8", "scalar", "vector", "empty", "rank4", "bf16_in")) {
            Path path = TestFiles.fixture(folder, name + ".npy");
            Path copy = folder.resolve("copy.npy");
            try (Npy f = Npy.open(path)) {
                Npy.write(copy, f.type(), MemorySegment.ofArray(bytes(f)));
            }
            assertArrayEquals(Files.readAllBytes(path), Files.readAllBytes(copy), name + " byte for byte");
        }
    }

    private static byte[] bytes(Npy f) {
        byte[] bytes = new byte[Math.toIntExact(f.type().bytes())];
        f.read(MemorySegment.ofArray(bytes));
        return bytes;
    }

    @Test
    void readsAllVersionsAndShapes() {
        for (String name : List.of("version2", "version3")) {
            try (Npy f = Npy.open(TestFiles.fixture(folder, name + ".npy"))) {
                assertEquals(TensorType.f32(2, 3), f.type());
                assertArrayEquals(new float[] {-2, -1, 0, 1, 2, 3}, f.floats(), name);
            }
        }
        assertEquals(Shape.scalar(), typeOf("scalar").shape());
        assertEquals(Shape.of(5), typeOf("vector").shape());
        assertEquals(Shape.of(0, 3), typeOf("empty").shape());
        assertEquals(Shape.of(12, 1, 2, 1), typeOf("rank4").shape());
    }

    private TensorType typeOf(String fixture) {
        try (Npy f = Npy.open(TestFiles.fixture(folder, fixture + ".npy"))) {
            return f.type();
        }
    }

    @Test
    void roundsToBf16AsMlDtypesDoes() {
        try (Npy in = Npy.open(TestFiles.fixture(folder, "bf16_in.npy")); Npy out = Npy.open(TestFiles.fixture(folder, "bf16_out.npy"))) {
            float[] values = in.floats();
            int[] expected = new int[values.length];
            out.read(MemorySegment.ofArray(expected));
            assertTrue(values.length > 500);
            for (int i = 0; i < values.length; i++) {
                assertEquals((short) expected[i], Halves.floatToBf16(values[i]), "of " + values[i]);
            }
        }
    }

    @Test
    void largeArraysFromNativeMemoryAndBack() {
        Path path = folder.resolve("large.npy");
        byte[] data = TestFiles.random(5, 3_000_000);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(data.length);
            MemorySegment.copy(data, 0, memory, ValueLayout.JAVA_BYTE, 0, data.length);
            Npy.write(path, TensorType.of(DType.I32, 750, 1000), memory);
            memory.fill((byte) 0);
            try (Npy f = Npy.open(path)) {
                f.read(memory);
                assertEquals(-1, memory.mismatch(MemorySegment.ofArray(data)));
                assertArrayEquals(data, bytes(f));
            }
        }
    }

    private record Case(String name, String words, byte[] bytes) {
    }

    private static Case dict(String name, String words, String dict) {
        return new Case(name, words, npy(dict, 24));
    }

    private static Case descr(String descr, String words) {
        return dict("descr " + descr, words, "{'descr': " + descr + ", 'fortran_order': False, 'shape': (2, 3), }");
    }

    private static Case shape(String shape, String words) {
        return dict("shape " + (shape.length() > 40 ? "long" : shape), words, "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + "}");
    }

    @TestFactory
    Stream<DynamicTest> refusesFilesThatLie() {
        byte[] good = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 24);
        byte[] version = good.clone();
        version[6] = 4;
        byte[] minor = good.clone();
        minor[7] = 1;
        byte[] length = good.clone();
        length[9] = 100;
        byte[] huge = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 2, 0, -1, -1, -1, -1, '{', '}'};
        byte[] utf = TestFiles.concat(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 3, 0, 2, 0, 0, 0, '{', -1});
        return Stream.of(
                new Case("empty", "0 bytes", new byte[0]), new Case("cut in the magic", "no npy file", Arrays.copyOf(good, 5)),
                new Case("other magic", "no npy file", "PK\3\4 a zip archive".getBytes(StandardCharsets.ISO_8859_1)),
                new Case("version 4", "unknown version", version), new Case("version 1.1", "unknown version", minor),
                new Case("cut in the length", "truncated file", Arrays.copyOf(huge, 11)),
                new Case("length beyond", "header length out of range", length),
                new Case("length 2^32-1", "4294967295", huge), new Case("not UTF-8", "no UTF-8", utf),
                new Case("cut in the header", "header length out of range", Arrays.copyOf(good, 40)),
                new Case("cut in the data", "truncated file: got 23", Arrays.copyOf(good, good.length - 1)),
                new Case("trailing bytes", "bytes after the array", Arrays.copyOf(good, good.length + 1)),
                descr("'>f4'", "astype('<f4')"), descr("'|O'", "pickled"), descr("'|b1'", "unsupported element type"),
                descr("'<c8'", "unsupported element type"),
                descr("'<U3'", "unsupported element type"), descr("''", "unsupported element type"), descr("'<'", "unsupported"),
                descr("'f4'", "unsupported"), descr("[('a', '<f4')]", "structured array"),
                descr("4", "an element type"), descr("'<f\\x34'", "an escape"),
                shape("(2, 3", "','"), shape("(6)", "a tuple"), shape("[2, 3]", "'('"), shape("(2 3)", "','"), shape("(,)", "an extent"),
                shape("(2,,3)", "an extent"),
                shape("(-2, 3)", "an extent"), shape("(2.0, 3)", "an extent"), shape("(2, 3L)", "','"), shape("(1_0,)", "an extent"),
                shape("(0x2, 3)", "','"), shape("(True,)", "an extent"),
                shape("(4294967296, 4294967296)", "absurd shape"), shape("(9223372036854775808,)", "fewer than 2^63"),
                shape("(288230376151711744,)", "truncated file"),
                shape("(1152921504606846976,)", "absurd shape"), shape("(" + "1,".repeat(65) + ")", "at most 64"),
                shape("(" + "(".repeat(60000), "an extent"),
                shape("(2, 4)", "truncated file"), shape("(2, 2)", "bytes after the array"),
                dict("no descr", "no descr", "{'fortran_order': False, 'shape': (2, 3)}"),
                dict("no order", "no fortran_order", "{'descr': '<f4', 'shape': (2, 3)}"),
                dict("no shape", "no shape", "{'descr': '<f4', 'fortran_order': False}"),
                dict("extra key", "unknown key", "{'descr': '<f4', 'extra': 1}"),
                dict("key twice", "duplicate key", "{'descr': '<f4', 'descr': '<f4'}"), dict("order 0", "True or False", "{'fortran_order': 0}"),
                dict("text after", "end of the header", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} x"),
                dict("no dictionary", "'{'", "__import__('os')"),
                dict("nothing", "'{'", ""), dict("unclosed", "a key", "{'descr': '<f4',"))
                .map(c -> DynamicTest.dynamicTest(c.name, () -> {
                    Path path = TestFiles.put(folder, c.bytes);
                    refused(path, c.words, () -> Npy.open(path).close());
                }));
    }

    @Test
    void refusesWhatNumpyCanButWeDoNot() {
        Map<String, String> words = Map.of("fortran", "numpy.ascontiguousarray", "bigendian", "astype('<f4')", "object", "pickled", "struct", "structured", "bool",
                "unsupported element type");
        words.forEach((name, expected) -> {
            Path path = TestFiles.fixture(folder, name + ".npy");
            refused(path, expected, () -> Npy.open(path).close());
        });
        refused(folder.resolve("none.npy"), "no such file", () -> Npy.open(folder.resolve("none.npy")));
    }

    @Test
    void takesOtherSpellingsOfTheSame() {
        for (String dict : List.of("{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (2, 3,)}", "{'shape':(2,3),'fortran_order':False,'descr':'<f4'}",
                " { 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 2 , 3 ) , } \n")) {
            try (Npy f = Npy.open(TestFiles.put(folder, npy(dict, 24)))) {
                assertEquals(TensorType.f32(2, 3), f.type());
            }
        }
        try (Npy f = Npy.open(TestFiles.put(folder, npy("{'descr': '<u1', 'fortran_order': True, 'shape': (24,)}", 24)))) {
            assertEquals(TensorType.of(DType.U8, 24), f.type());
        }
    }

    @Test
    void callersMistakes() throws IOException {
        Path path = folder.resolve("a.npy");
        refused(path, "bf16", () -> Npy.write(path, TensorType.of(DType.BF16, 2), MemorySegment.ofArray(new byte[4])));
        refused(path, "does not fit", () -> Npy.write(path, TensorType.f32(2), MemorySegment.ofArray(new byte[7])));
        assertFalse(Files.exists(path));
        Npy.write(path, TensorType.f32(2), MemorySegment.ofArray(new float[] {1, 2}));
        try (Npy f = Npy.open(path)) {
            refused(path, "does not fit", () -> f.read(MemorySegment.ofArray(new byte[9])));
            refused(path, "read-only", () -> f.floats(MemorySegment.ofArray(new byte[8]).asReadOnly()));
        }
        TestFiles.assertOnly(folder, "a.npy");
    }

    @Test
    void fuzz() {
        byte[] seed = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }      \n", 24);
        Random random = new Random(42);
        int opened = 0;
        for (int round = 0; round < 2500; round++) {
            Path path = TestFiles.put(folder, Mutations.mutate(seed, random));
            try (Npy f = Npy.open(path)) {
                assertTrue(f.type().bytes() < 1000, "no more than the file holds");
                bytes(f);
                opened++;
            } catch (DataException e) {
                assertFalse(e.getMessage().chars().anyMatch(Character::isISOControl), e.getMessage());
            } catch (RuntimeException | Error e) {
                throw new AssertionError("round " + round, e);
            }
        }
        assertTrue(opened > 30 && opened < 2400, "the mutations neither all pass nor all fail: " + opened);
    }
}
