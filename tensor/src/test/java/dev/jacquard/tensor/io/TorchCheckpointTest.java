package dev.jacquard.tensor.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Files that PyTorch wrote: see make_checkpoints.py, which says what is in them. */
class TorchCheckpointTest {
    @TempDir
    Path folder;

    private TorchCheckpoint open(String name) {
        return assertInstanceOf(TorchCheckpoint.class, TensorFile.open(TestFiles.fixture(folder, name)));
    }

    private static byte[] bytes(TensorFile f, String name) {
        byte[] bytes = new byte[Math.toIntExact(f.type(name).bytes())];
        f.read(name, MemorySegment.ofArray(bytes));
        return bytes;
    }

    @Test
    void everyElementType() {
        Map<DType, String> names = Map.of(DType.F64, "float64", DType.F32, "float32", DType.F16, "float16", DType.BF16, "bfloat16", DType.I64, "int64", DType.I32, "int32",
        DType.I8, "int8",
                DType.U8, "uint8");
        try (TorchCheckpoint f = open("types.pt")) {
            assertEquals(10, f.names().size());
            for (DType dtype : DType.values()) {
                String name = names.get(dtype);
                assertEquals(TensorType.of(dtype, 2, 3), f.type(name));
                for (int i = 0; i < 6; i++) {
                    assertEquals(dtype == DType.U8 ? i - 2 & 0xff : i - 2, TestFiles.element(dtype, bytes(f, name), i), name);
                }
                if (dtype.isFloating()) {
                    assertArrayEquals(new float[] {-2, -1, 0, 1, 2, 3}, f.floats(name), name);
                } else {
                    assertThrows(DataException.class, () -> f.floats(name));
                }
            }
            for (String name : List.of("int16", "bool")) {
                assertTrue(assertThrows(DataException.class, () -> f.type(name)).getMessage().contains("unsupported element type"));
            }
        }
    }

    @Test
    void viewsComeInTheOrderOfTheirIndices() {
        try (TorchCheckpoint f = open("views.pt")) {
            assertArrayEquals(counting(24), f.floats("base"));
            assertStrided(f, "transposed", Shape.of(6, 4), 0, 1, 6);
            assertStrided(f, "sliced", Shape.of(2, 3), 7, 6, 2);
            assertStrided(f, "column", Shape.of(4), 2, 6);
            assertStrided(f, "half", Shape.of(4, 3), 0, 1, 4);
            assertStrided(f, "double", Shape.of(4, 3), 0, 1, 4);
            assertStrided(f, "bfloat", Shape.of(3, 2), 0, 4, 2);
            assertStrided(f, "one", Shape.of(1, 1), 15, 6, 1);
            assertArrayEquals(counting(120), f.floats("last"), "channels-last memory, indices as ever");
            assertArrayEquals(new byte[] {-2, 2, 6, -1, 3, 7, 0, 4, 8, 1, 5, 9}, bytes(f, "bytes"));
            assertEquals(TensorType.f32(), f.type("scalar"));
            assertArrayEquals(new float[] {3.5f}, f.floats("scalar"));
            assertEquals(TensorType.f32(0, 3), f.type("none"));
            assertEquals(0, f.floats("none").length);
        }
    }

    private static float[] counting(int n) {
        float[] v = new float[n];
        for (int i = 0; i < n; i++) {
            v[i] = i - 2;
        }
        return v;
    }

    private static void assertStrided(TensorFile f, String name, Shape shape, int offset, int... strides) {
        assertEquals(shape, f.type(name).shape(), name);
        float[] got = f.floats(name);
        assertEquals(shape.size(), got.length);
        for (int i = 0; i < got.length; i++) {
            int at = offset;
            for (int d = shape.rank() - 1, rest = i; d >= 0; rest /= shape.intDim(d--)) {
                at += rest % shape.intDim(d) * strides[d];
            }
            assertEquals(at - 2, got[i], name + " at " + i);
        }
        DType dtype = f.type(name).dtype();
        for (int i = 0; i < got.length; i++) {
            assertEquals(got[i], TestFiles.element(dtype, bytes(f, name), i), name);
        }
    }

    @Test
    void nestedDictionariesHavePaths() {
        try (TorchCheckpoint f = open("nested.pt")) {
            Set<String> state = Set.of("state_dict.0.weight", "state_dict.0.bias", "state_dict.1.weight", "state_dict.1.bias", "state_dict.1.running_mean",
                    "state_dict.1.running_var", "state_dict.1.num_batches_tracked");
            assertTrue(f.names().containsAll(state), f.names().toString());
            assertTrue(f.names().containsAll(Set.of("optimizer.state.0.momentum_buffer", "parameter", "list.0", "list.1.0")), f.names().toString());
            assertEquals(7 + 4 + 3, f.names().size());
            assertEquals(TensorType.f32(3, 2, 3, 3), f.type("state_dict.0.weight"));
            assertEquals(TensorType.f32(3, 2, 3, 3), f.type("optimizer.state.0.momentum_buffer"));
            assertEquals(TensorType.of(DType.I64), f.type("state_dict.1.num_batches_tracked"));
            assertArrayEquals(new float[] {1, 1}, f.floats("parameter"));
            assertEquals(Map.of("epoch", "3", "arch", "tiny", "best", "0.5", "done", "false"), f.metadata());
        }
    }

    @TestFactory
    List<DynamicTest> whatIsNoFileOfPlainTensorsIsRefused() {
        Map<String, String> words = Map.ofEntries(Map.entry("namespace.pt", "the Python global 'argparse.Namespace'"), Map.entry("module.pt",
        "the Python global 'torch.nn.modules.container.Sequential'"),
                Map.entry("legacy.pt", "format of PyTorch before 1.6"), Map.entry("tensor.pt", "not a dictionary of tensors: got a tensor"), Map.entry("expanded.pt",
                        "1000 elements, some of them repeated"),
                Map.entry("protocol4.pt", "not a pickle of protocol 2"), Map.entry("script.pt", "a TorchScript archive"), Map.entry("deflated.pt", "compressed or encrypted"));
        return words.entrySet().stream().map(e -> DynamicTest.dynamicTest(e.getKey(), () -> {
            Path file = TestFiles.fixture(folder, e.getKey());
            TestFiles.refused(file, e.getValue(), () -> TensorFile.open(file).close());
        })).toList();
    }

    @Test
    void mistakesOfTheCallerAreTold() {
        try (TorchCheckpoint f = open("types.pt")) {
            assertThrows(DataException.class, () -> f.type("none"));
            assertThrows(DataException.class, () -> f.read("float32", MemorySegment.ofArray(new byte[23])));
            assertThrows(DataException.class, () -> f.floats("float32", MemorySegment.ofArray(new float[6]).asReadOnly()));
        }
        TestFiles.refused(folder.resolve("none.pt"), "no such file", () -> TensorFile.open(folder.resolve("none.pt")));
        TorchCheckpoint closed = open("views.pt");
        closed.close();
        assertThrows(DataException.class, () -> closed.floats("transposed"));
    }

    @Test
    void formatsAreToldByTheirFirstBytes() {
        try (TensorFile f = TensorFile.open(TestFiles.fixture(folder, "all.safetensors"))) {
            assertInstanceOf(SafeTensors.class, f);
        }
        Path empty = TestFiles.put(folder, new byte[0]);
        TestFiles.refused(empty, "truncated file", () -> TensorFile.open(empty).close());
        TestFiles.refused(empty, "not a PyTorch checkpoint", () -> TorchCheckpoint.open(empty).close());
    }
}
