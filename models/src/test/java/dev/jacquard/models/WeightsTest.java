package dev.jacquard.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.layers.BatchNorm2d;
import dev.jacquard.layers.Conv2d;
import dev.jacquard.layers.Linear;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Sequential;
import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Elements;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.io.SafeTensors;
import dev.jacquard.tensor.io.SafeTensorsWriter;
import dev.jacquard.tensor.plan.State;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightsTest {
    private static final int CLASSES = 10;

    @TempDir
    Path dir;

    private static State state(Module m, long seed) {
        return new State(new ReferenceBackend()).initialize(m.variables().values(), seed);
    }

    private static Module tiny() {
        return Sequential.of(new Conv2d(Conv2d.Config.of(2, 3, 3)), new BatchNorm2d(3), new Linear(3, 2));
    }

    /** A file of a registered model's tensors, all zeros. */
    private Path zeros(String arch, int classes) {
        Path file = dir.resolve(arch + "-" + classes + ".safetensors");
        Map<String, TensorType> types = types(Models.create(arch, classes), DType.F32);
        try (SafeTensorsWriter w = SafeTensors.writer(file)) {
            types.forEach(w::declare);
            types.forEach((n, t) -> w.write(n, MemorySegment.ofArray(new byte[Math.toIntExact(t.bytes())])));
        }
        return file;
    }

    /** Writes a file of given tensors, all elements 0.5. */
    private Path file(String name, Map<String, TensorType> tensors) {
        Path file = dir.resolve(name);
        try (SafeTensorsWriter w = SafeTensors.writer(file)) {
            tensors.forEach(w::declare);
            tensors.forEach((n, t) -> {
                MemorySegment bytes = MemorySegment.ofArray(new byte[Math.toIntExact(t.bytes())]);
                for (long i = 0; i < t.shape().size(); i++) {
                    Elements.set(bytes, t.dtype(), i, 0.5);
                }
                w.write(n, bytes);
            });
        }
        return file;
    }

    private static Map<String, TensorType> types(Module m, DType dtype) {
        Map<String, TensorType> types = new LinkedHashMap<>();
        m.variables().forEach((name, v) -> types.put(name, new TensorType(dtype, Detected.fileShape(v))));
        return types;
    }

    @Test
    void whatWasSavedIsLoadedToTheBit() throws IOException {
        Module m = Models.create("resnet18", CLASSES);
        Path first = dir.resolve("first.safetensors");
        Path second = dir.resolve("second.safetensors");
        Map<String, String> metadata = Weights.metadata("resnet18", CLASSES, List.of());
        try (State a = state(m, 1); State b = state(m, 2)) {
            Weights.save(first, m, a, metadata);
            Variable conv = m.variables().get("layer2.0.conv1.weight");
            assertFalse(Arrays.equals(a.get(conv), b.get(conv)));
            Weights.load(first, m, b);
            for (Variable v : m.variables().values()) {
                assertArrayEquals(a.get(v), b.get(v), v.name());
            }
            Weights.save(second, m, b, metadata);
        }
        assertEquals(-1, Files.mismatch(first, second));
    }

    @Test
    void filesHaveTorchsLayout() {
        Module m = tiny();
        Path path = dir.resolve("tiny.safetensors");
        try (State s = state(m, 1)) {
            Variable w = m.variables().get("0.weight"); // (3, 3, 3, 2)
            float[] values = s.get(w);
            for (int i = 0; i < values.length; i++) {
                values[i] = i;
            }
            s.set(w, values);
            Weights.save(path, m, s, Map.of());
        }
        try (SafeTensors f = SafeTensors.open(path)) {
            assertEquals(TensorType.f32(3, 2, 3, 3), f.type("0.weight"));
            assertEquals(TensorType.f32(2, 3), f.type("2.weight"));
            assertEquals(Map.of("format", "pt"), f.metadata());
            float[] oihw = f.floats("0.weight");
            for (int k = 0; k < 3; k++) {
                for (int c = 0; c < 2; c++) {
                    for (int rs = 0; rs < 9; rs++) {
                        assertEquals((k * 9 + rs) * 2 + c, oihw[(k * 2 + c) * 9 + rs]);
                    }
                }
            }
        }
    }

    @Test
    void otherElementTypesAreConvertedAndCountersIgnored() {
        for (DType dtype : List.of(DType.F16, DType.BF16, DType.F64)) {
            Module m = tiny();
            Map<String, TensorType> types = types(m, dtype);
            types.put("1.num_batches_tracked", TensorType.of(DType.I64));
            try (State s = state(m, 1)) {
                Weights.load(file(dtype + ".safetensors", types), m, s);
                for (Variable v : m.variables().values()) {
                    for (float x : s.get(v)) {
                        assertEquals(0.5f, x);
                    }
                }
            }
        }
    }

    /** The message for a registered model; a state without variables does, since the header alone is refused. */
    private static String refusedByHeader(Path file, Module m) {
        try (State empty = new State(new ReferenceBackend())) {
            return assertThrows(DataException.class, () -> Weights.load(file, m, empty)).getMessage();
        }
    }

    private static String refused(Path file, Module m) {
        try (State s = state(m, 3)) {
            List<float[]> before = new ArrayList<>();
            m.variables().values().forEach(v -> before.add(s.get(v)));
            DataException e = assertThrows(DataException.class, () -> Weights.load(file, m, s));
            assertTrue(e.op().contains(file.getFileName().toString()), e.getMessage());
            int i = 0;
            for (Variable v : m.variables().values()) {
                assertArrayEquals(before.get(i++), s.get(v), "changed in spite of the error: " + v);
            }
            return e.getMessage();
        }
    }

    @Test
    void everythingThatDoesNotFitIsOneError() {
        Module m = tiny();
        Map<String, TensorType> types = types(m, DType.F32);
        types.remove("1.running_var");
        types.put("extra", TensorType.f32(4));
        types.put("2.bias", TensorType.f32(3));
        String message = refused(file("odd.safetensors", types), m);
        assertTrue(message.contains("weights do not fit the model: got 1 missing: 1.running_var (3); 1 unexpected: extra (4); "
                + "1 of another shape: 2.bias (3) where the model has (2); expected exactly the 7 tensors of the model"), message);
    }

    @Test
    void longListsAreCut() {
        Map<String, TensorType> types = new LinkedHashMap<>();
        types.put("x", TensorType.f32(1));
        String message = refusedByHeader(file("none.safetensors", types), Models.create("resnet18", 2));
        assertTrue(message.contains("102 missing: conv1.weight (64, 3, 7, 7), bn1.weight (64), bn1.bias (64), bn1.running_mean (64), bn1.running_var (64), ...;"), message);
    }

    @Test
    void weightsOfAnotherModelAreRecognised() {
        String message = refusedByHeader(zeros("resnet18", 1000), Models.create("resnet34", 1000));
        assertTrue(message.contains("these look like weights of resnet18: pass --arch resnet18"), message);
    }

    @Test
    void aHeadOfAnotherSizeIsToldSo() {
        String message = refusedByHeader(zeros("resnet18", 10), Models.create("resnet18", 1000));
        assertTrue(message.contains("file has 10 classes, model has 1000"), message);
        assertTrue(message.contains("2 of another shape: fc.weight (10, 512) where the model has (1000, 512), fc.bias"), message);
        assertTrue(message.contains("make the model with 10 classes"), message);
        assertTrue(message.contains("or have the head replaced"), message);
    }

    @Test
    void prefixesOfWrappersAreSeenThrough() {
        for (String prefix : List.of("module.", "_orig_mod.", "module.model.", "state_dict.", "state_dict.module.", "model.")) {
            Module m = tiny();
            Map<String, TensorType> types = new LinkedHashMap<>();
            types(m, DType.F32).forEach((name, t) -> types.put(prefix + name, t));
            types.put(prefix + "1.num_batches_tracked", TensorType.of(DType.I64));
            try (State s = state(m, 1)) {
                Weights.Loaded loaded = Weights.load(file("wrapped.safetensors", types), m, s);
                assertEquals(prefix.substring(0, prefix.length() - 1), loaded.part());
                assertEquals(0.5f, s.get(m.variables().get("2.bias"))[0]);
            }
        }
    }

    @Test
    void averagesAreTakenOnRequest() {
        for (String[] keys : new String[][] {{"state_dict.", "state_dict_ema."}, {"state_dict.module.", "state_dict_ema.module."}, {"model.", "model_ema.module."}, {"", "ema."}}) {
            Module m = tiny();
            Path file = dir.resolve("averaged.safetensors");
            String extra = keys[0].isEmpty() ? "ema.n_averaged" : "optimizer.state.0.momentum_buffer";
            try (SafeTensorsWriter w = SafeTensors.writer(file)) {
                for (String key : keys) {
                    types(m, DType.F32).forEach((name, t) -> w.declare(key + name, t));
                }
                w.declare(extra, TensorType.f32());
                for (String key : keys) {
                    types(m, DType.F32).forEach((name, t) -> {
                        float[] values = new float[(int) t.shape().size()];
                        Arrays.fill(values, key.equals(keys[0]) ? 1 : 2);
                        w.write(key + name, MemorySegment.ofArray(values));
                    });
                }
                w.write(extra, MemorySegment.ofArray(new float[1]));
            }
            try (State s = state(m, 1)) {
                Weights.load(file, m, s);
                assertEquals(1, s.get(m.variables().get("2.bias"))[0], keys[1]);
                assertEquals(keys[1].substring(0, keys[1].length() - 1), Weights.load(file, m, s, new Weights.Options(true, false)).part());
                assertEquals(2, s.get(m.variables().get("2.bias"))[0], keys[1]);
            }
            assertTrue(Weights.inspect(file).averages());
        }
        Module m = tiny();
        Path plain = file("plain.safetensors", types(m, DType.F32));
        try (State s = state(m, 1)) {
            assertTrue(assertThrows(DataException.class, () -> Weights.load(plain, m, s, new Weights.Options(true, false))).getMessage().contains("no averaged weights"));
        }
    }

    @Test
    void integersAreNoWeights() {
        Module m = tiny();
        assertTrue(refused(file("int.safetensors", types(m, DType.I32)), m).contains("0.weight"));
    }

    @Test
    void aStateWithoutTheVariablesIsRefused() {
        Module m = tiny();
        Path file = file("tiny.safetensors", types(m, DType.F32));
        try (State empty = new State(new ReferenceBackend())) {
            assertThrows(CallerException.class, () -> Weights.load(file, m, empty));
        }
    }

    @Test
    void filesSayWhatTheyAre() {
        Module m = tiny();
        List<String> names = List.of("caf\u00e9", "a \"b\", [c]", "tab\tback\\slash");
        Path file = dir.resolve("named.safetensors");
        try (State s = state(m, 1)) {
            Weights.save(file, m, s, Weights.metadata("tiny-net", 3, names));
        }
        Weights.Info info = Weights.inspect(file);
        assertEquals(Optional.of("tiny-net"), info.arch());
        assertEquals(OptionalInt.of(3), info.classes());
        assertEquals(names, info.classNames());
    }

    @Test
    void filesFromElsewhereAreRecognisedByTheirTensors() {
        Weights.Info info = Weights.inspect(zeros("resnet18", 12));
        assertEquals(Optional.of("resnet18"), info.arch());
        assertEquals(OptionalInt.of(12), info.classes());
        assertTrue(info.classNames().isEmpty());
        assertEquals(Optional.empty(), Weights.inspect(file("tiny.safetensors", types(tiny(), DType.F32))).arch());
    }

    @Test
    void damagedClassNamesAreRefused() {
        for (String text : List.of("", "[", "[\"a\"", "[\"a\",]", "[1]", "[\"a\"] x", "[\"\\x\"]", "[\"\\u00g0\"]")) {
            assertTrue(assertThrows(DataException.class, () -> ClassNames.read("f", text)).getMessage().contains("class_names"), text);
        }
        assertEquals(List.of("\u00e9/", "b"), ClassNames.read("f", " [ \"\\u00e9\\/\" , \"b\" ] "));
        assertEquals(List.of(), ClassNames.read("f", "[]"));
    }
}
