package dev.jacquard.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.layers.Module;
import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.io.SafeTensors;
import dev.jacquard.tensor.io.SafeTensorsWriter;
import dev.jacquard.tensor.plan.State;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Names of others: against lists made without our tables (make_names.py), and there and back. */
class NamingTest {
    private static final int CLASSES = 10;

    @TempDir
    Path dir;

    private static String resource(String name) {
        try (InputStream in = NamingTest.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static String listed(Map<String, Shape> shapes) {
        return shapes.entrySet().stream().map(e -> e.getKey() + " " + dims(e.getValue()) + "\n").sorted().collect(Collectors.joining());
    }

    private static String dims(Shape s) {
        return Arrays.stream(s.dims()).mapToObj(Long::toString).collect(Collectors.joining(","));
    }

    private static Map<String, Shape> shapes(Naming naming, Module module) {
        Map<String, Shape> shapes = new LinkedHashMap<>();
        naming.entries(module).forEach((name, e) -> shapes.put(name, e.shape()));
        return shapes;
    }

    private static State state(Module m, long seed) {
        return new State(new ReferenceBackend()).initialize(m.variables().values(), seed);
    }

    @TestFactory
    Stream<DynamicTest> namesAndShapesAreThoseOfTheLibraries() {
        return resource("names.csv").lines().skip(1).map(line -> line.split(",")).map(c -> DynamicTest.dynamicTest(c[0] + " " + c[1], () -> {
            Module module = Models.create(c[1], 1000);
            String list = listed(shapes(Naming.of(c[0]), module));
            if (c[1].equals("efficientnet-b0") && (c[0].equals("timm") || c[0].equals("nvidia"))) {
                assertEquals(resource("names-" + c[0] + "-b0.txt"), list);
            }
            assertEquals(Integer.parseInt(c[2]), list.lines().count());
            assertEquals(Long.parseLong(c[3]), module.parameters().stream().mapToLong(v -> v.type().shape().size()).sum());
            assertEquals(c[4], HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(list.getBytes(StandardCharsets.UTF_8))));
        }));
    }

    /** Shapes alone: the weights of all would be gigabytes. */
    @TestFactory
    Stream<DynamicTest> everyRowIsRecognisedInEveryNaming() {
        return Models.rows().stream().map(row -> DynamicTest.dynamicTest(row.name(), () -> {
            Module module = row.create(row.defaults().classes(CLASSES).channels(4));
            for (Naming naming : Naming.values()) {
                Map<String, Shape> shapes = shapes(naming, module);
                assertEquals(module.variables().size(), shapes.size(), "two variables of one name");
                List<Detected> found = Detected.of(shapes);
                assertEquals(1, found.size(), naming.label());
                assertEquals(row, found.getFirst().row());
                assertEquals(CLASSES, found.getFirst().classes());
                assertEquals(4, found.getFirst().channels());
                assertTrue(found.getFirst().namings().contains(naming), naming.label());
                // Where it matters, namings are apart.
                boolean gated = row.family() == Family.EFFICIENTNET || row.name().startsWith("se-");
                assertEquals(naming == Naming.TIMM && gated, found.getFirst().namings().equals(List.of(Naming.TIMM)));
                assertEquals(naming == Naming.NVIDIA, found.getFirst().namings().equals(List.of(Naming.NVIDIA)));
            }
        }));
    }

    private record Small(String name, Module module) {}

    /** Networks of each form, with a few channels and blocks. */
    private static List<Small> small() {
        ResNet.Config next = ResNet.Config.of(ResNet.Block.BOTTLENECK, 2, 1, 1, 1).groups(4, 4);
        ModelOptions options = ResNet.DEFAULTS.classes(CLASSES);
        return List.of(new Small("basic", new ResNet(ResNet.Config.of(ResNet.Block.BASIC, 1, 2, 1, 1), options)), new Small("gated", new ResNet(next.squeeze(3), options)),
                new Small("efficientnet", new EfficientNet(new EfficientNet.Config(0.25, 0.5, EfficientNet.Squeeze.INPUT), options)),
                new Small("widese", new EfficientNet(new EfficientNet.Config(0.25, 1.1, EfficientNet.Squeeze.HIDDEN), options.channels(4))));
    }

    @TestFactory
    Stream<DynamicTest> whatWasSavedUnderAnyNamesIsLoadedToTheBit() {
        return small().stream().flatMap(net -> Stream.of(Naming.values()).map(naming -> DynamicTest.dynamicTest(net.name + " " + naming, () -> {
            Path file = dir.resolve(net.name + naming + ".safetensors");
            Module m = net.module;
            try (State a = state(m, 1); State b = state(m, 2)) {
                Weights.save(file, m, a, Map.of(), naming);
                assertTrue(Weights.load(file, m, b).namings().contains(naming));
                for (Variable v : m.variables().values()) {
                    assertArrayEquals(a.get(v), b.get(v), v.name());
                }
            }
            try (SafeTensors f = SafeTensors.open(file)) {
                assertEquals(List.copyOf(naming.entries(m).keySet()), List.copyOf(f.names()));
            }
        })));
    }

    /** A registered network there and back through every naming: the last file equals the first to the byte. */
    @Test
    void conversionsLoseNothing() throws IOException {
        Module m = Models.create("efficientnet-b0", CLASSES);
        Path ours = dir.resolve("ours.safetensors");
        try (State s = state(m, 5)) {
            Weights.save(ours, m, s, Weights.metadata("efficientnet-b0", CLASSES, List.of("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")));
        }
        for (Naming naming : List.of(Naming.TIMM, Naming.NVIDIA, Naming.NVIDIA_NGC)) {
            Path theirs = dir.resolve(naming + ".safetensors");
            Path back = dir.resolve("back.safetensors");
            assertEquals(Optional.of("efficientnet-b0"), Weights.convert(ours, theirs, naming, null, false).arch());
            Weights.Info info = Weights.convert(theirs, back, Naming.OURS, "efficientnet-b0", false);
            assertEquals(List.of(naming), info.namings());
            assertEquals(OptionalInt.of(CLASSES), info.classes());
            assertEquals("j", info.classNames().getLast());
            assertEquals(-1, Files.mismatch(ours, back), naming.label());
        }
    }

    /** A file of a registered model's tensors, all zeros; gates as asked. */
    private Path zeros(String name, Map<String, Shape> shapes, DType dtype, Map<String, String> metadata) {
        Path file = dir.resolve(name + ".safetensors");
        try (SafeTensorsWriter w = SafeTensors.writer(file)) {
            w.metadata(metadata);
            shapes.forEach((n, s) -> w.declare(n, new TensorType(dtype, s)));
            shapes.forEach((n, s) -> w.write(n, MemorySegment.ofArray(new byte[Math.toIntExact(s.size() * dtype.bytes())])));
        }
        return file;
    }

    @Test
    void gatesAreReadAsMatricesAndAsConvolutions() {
        Map<String, Shape> linear = shapes(Naming.NVIDIA, Models.create("efficientnet-b0", CLASSES));
        Map<String, Shape> convolution = new LinkedHashMap<>();
        linear.forEach((n, s) -> convolution.put(n, n.contains(".se.") && s.rank() == 2 ? Shape.of(s.dim(0), s.dim(1), 1, 1) : s));
        assertFalse(linear.equals(convolution));
        Path in = zeros("trt", convolution, DType.F16, Map.of());
        Path out = dir.resolve("linear.safetensors");
        Weights.Info info = Weights.convert(in, out, Naming.NVIDIA, null, false);
        assertEquals("efficientnet-b0 of 10 classes, names of nvidia", info.summary());
        try (SafeTensors f = SafeTensors.open(out)) {
            linear.forEach((n, s) -> assertEquals(new TensorType(DType.F16, s), f.type(n), "the element type stays, the form is the naming's"));
        }
    }

    private static Module net(double width, double depth, int classes) {
        return new EfficientNet(new EfficientNet.Config(width, depth, EfficientNet.Squeeze.INPUT), ResNet.DEFAULTS.classes(classes));
    }

    @Test
    void theHeadIsReplacedOnRequestAlone() {
        Module ten = net(0.25, 0.5, 10);
        Module seven = net(0.25, 0.5, 7);
        Weights.Options replacing = new Weights.Options(false, true);
        Path file = dir.resolve("ten.safetensors");
        for (Naming naming : Naming.values()) {
            try (State a = state(ten, 1); State b = state(seven, 2)) {
                Weights.save(file, ten, a, Map.of(), naming);
                Variable head = seven.variables().get("classifier.1.weight");
                float[] before = b.get(head);
                String strict = assertThrows(DataException.class, () -> Weights.load(file, seven, b)).getMessage();
                assertTrue(strict.contains("2 of another shape: " + naming.name(Family.EFFICIENTNET, "classifier.1.weight") + " (10, 320) where the model has (7, 320)"), strict);
                Weights.Loaded loaded = Weights.load(file, seven, b, replacing);
                assertEquals(List.of("classifier.1.weight", "classifier.1.bias"), loaded.kept());
                assertTrue(loaded.summary().endsWith("; left as they were: classifier.1.weight, classifier.1.bias"), loaded.summary());
                assertArrayEquals(before, b.get(head));
                assertArrayEquals(a.get(ten.variables().get("features.0.0.weight")), b.get(seven.variables().get("features.0.0.weight")));
                assertEquals(List.of(), Weights.load(file, ten, a, replacing).kept(), "a head that fits is loaded");
            }
        }
        // Another network's head of another size is still another network's.
        for (Module other : List.of(net(0.5, 0.5, 7), net(0.25, 1, 7), new ResNet(ResNet.Config.of(ResNet.Block.BASIC, 1, 1, 1, 1), ResNet.DEFAULTS.classes(7)))) {
            try (State s = state(other, 3)) {
                assertThrows(DataException.class, () -> Weights.load(file, other, s, replacing));
            }
        }
    }

    @Test
    void filesOfEachSourceComeWithItsNormalisation() {
        Map<String, Shape> b0 = Detected.shapes(Models.create("efficientnet-b0", CLASSES));
        Map<String, Shape> timm = shapes(Naming.TIMM, Models.create("efficientnet-b0", CLASSES));
        Map<String, Shape> nvidia = shapes(Naming.NVIDIA, Models.create("efficientnet-b0", CLASSES));
        assertEquals(1e-5, eps(b0, Map.of("format", "pt")), "torchvision's");
        assertEquals(1e-5, eps(timm, Map.of()));
        assertEquals(1e-3, eps(timm, Map.of("arch", "tf_efficientnet_b0")));
        assertEquals(1e-3, eps(nvidia, Map.of()));
        assertEquals(1e-3, eps(b0, Weights.metadata("efficientnet-b0", CLASSES, List.of())), "ours");
        assertEquals(0.5, eps(b0, Weights.metadata("efficientnet-b0", Models.row("efficientnet-b0").defaults().classes(CLASSES).normEps(0.5), List.of())));
        assertEquals(Padding.SAME, Weights.inspect(zeros("tf", timm, DType.F16, Map.of("arch", "tf_efficientnet_b0"))).options().orElseThrow().padding());
        assertThrows(DataException.class, () -> eps(b0, Map.of("norm_eps", "much")));
        assertThrows(DataException.class, () -> eps(b0, Map.of("norm_eps", "1e-3", "padding", "VALID")));
    }

    private double eps(Map<String, Shape> shapes, Map<String, String> metadata) {
        return Weights.inspect(zeros("eps", shapes, DType.F16, metadata)).options().orElseThrow().normEps();
    }

    @Test
    void whatIsNotKnownIsNotConverted() {
        Path in = zeros("other", Map.of("conv.weight", Shape.of(1, 1, 1, 1)), DType.F32, Map.of());
        Path out = dir.resolve("out.safetensors");
        String unknown = assertThrows(DataException.class, () -> Weights.convert(in, out, Naming.TIMM, null, false)).getMessage();
        assertTrue(unknown.contains("weights of no known architecture: got 1 tensors, such as [conv.weight]"), unknown);
        assertTrue(assertThrows(DataException.class, () -> Weights.convert(in, out, Naming.TIMM, "resnet18", false)).getMessage().contains("102 missing"));
        Path legacy = zeros("legacy", Map.of("layer1.0.se_module.fc1.weight", Shape.of(16, 256, 1, 1)), DType.F32, Map.of());
        assertTrue(assertThrows(DataException.class, () -> Weights.convert(legacy, out, Naming.OURS, "se-resnext101-32x4d-c16", false)).getMessage()
                .contains("pool without padding"));
        Path integers = zeros("integers", Detected.shapes(Models.create("efficientnet-b0", CLASSES)), DType.I8, Map.of());
        assertTrue(assertThrows(DataException.class, () -> Weights.convert(integers, out, Naming.OURS, null, false)).getMessage().contains("not a floating tensor"));
        assertThrows(CallerException.class, () -> Weights.convert(in, out, Naming.OURS, "resnet19", false));
        assertThrows(CallerException.class, () -> Naming.of("keras"));
        assertFalse(Files.exists(out));
    }
}
