package dev.jacquard.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.layers.BatchNorm2d;
import dev.jacquard.layers.Conv2d;
import dev.jacquard.layers.DropPath;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.SqueezeExcite;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Variable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every row against the published or derived counts, which are tables beside this test: parameters, statistics, multiply-adds, channels, blocks, gates. */
class RegistryTest {
    private static final String EFFICIENTNET = "efficientnet.csv";
    private static final String RESNET = "resnet.csv";

    /** Lines of a table, as values by column. */
    private static List<Map<String, String>> table(String name) throws IOException {
        try (InputStream in = RegistryTest.class.getResourceAsStream(name)) {
            List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().filter(l -> !l.startsWith("#")).toList();
            String[] columns = lines.getFirst().split(",");
            List<Map<String, String>> rows = new ArrayList<>();
            for (String line : lines.subList(1, lines.size())) {
                String[] cells = line.split(",");
                assertEquals(columns.length, cells.length, line);
                Map<String, String> row = new HashMap<>();
                for (int i = 0; i < columns.length; i++) {
                    row.put(columns[i], cells[i]);
                }
                rows.add(row);
            }
            return rows;
        }
    }

    @Test
    void everyRowIsInATable() throws IOException {
        Set<String> expected = table(RESNET).stream().map(r -> r.get("model")).collect(Collectors.toCollection(HashSet::new));
        table(EFFICIENTNET).forEach(r -> expected.addAll(List.of("efficientnet-" + r.get("network"), "efficientnet-widese-" + r.get("network"))));
        assertEquals(22, expected.size());
        assertEquals(expected, Set.copyOf(Models.names()));
        assertEquals(22, Models.rows().size());
    }

    @TestFactory
    Stream<DynamicTest> efficientnet() throws IOException {
        return table(EFFICIENTNET).stream().flatMap(
                e -> Stream.of("efficientnet-", "efficientnet-widese-").map(f -> DynamicTest.dynamicTest(f + e.get("network"), () -> efficientnet(f, e))));
    }

    private static void efficientnet(String family, Map<String, String> expected) {
        boolean wide = family.contains("wide");
        String suffix = wide ? "_wide" : "";
        ModelRow row = Models.row(family + expected.get("network"));
        assertEquals(Family.EFFICIENTNET, row.family());
        assertEquals(expected.get("resolution"), Integer.toString(row.resolution()));
        assertEquals(expected.get("dropout"), Double.toString(row.defaults().dropout()));
        assertEquals(expected.get("survival"), Double.toString(row.defaults().survival()));
        Module net = row.create(row.classes());
        EfficientNet.Config config = new EfficientNet.Config(Double.parseDouble(expected.get("width")), Double.parseDouble(expected.get("depth")),
                wide ? EfficientNet.Squeeze.HIDDEN : EfficientNet.Squeeze.INPUT);
        assertEquals(Detected.shapes(new EfficientNet(config, row.defaults())), Detected.shapes(net));

        Map<String, Module> parts = net.children().get("features").children();
        List<Module> stages = List.copyOf(parts.values()).subList(1, 8);
        assertEquals(9, parts.size());
        assertEquals(expected.get("channels"), join(stages.stream().map(s -> width(last(s)))));
        assertEquals(expected.get("repeats"), join(stages.stream().map(s -> s.children().size())));
        assertEquals(expected.get("blocks"), Integer.toString(stages.stream().mapToInt(s -> s.children().size()).sum()));
        assertEquals(expected.get("stem"), Long.toString(width(parts.get("0"))));
        assertEquals(expected.get("head"), Long.toString(width(parts.get("8"))));

        ModelInfo info = ModelInfo.of(row);
        assertEquals(expected.get("parameters" + suffix), Long.toString(info.parameters()));
        assertEquals(expected.get("statistics"), Long.toString(info.statistics()));
        assertEquals(expected.get("gates" + suffix), Long.toString(size(all(net, SqueezeExcite.class))));
        assertEquals(expected.get("gmacs" + suffix), giga(info.macs()));
        if (!wide) {
            assertEquals(expected.get("gmacs_224"), giga(ModelInfo.of(row, row.defaults(), 224).macs()));
        }
    }

    @TestFactory
    Stream<DynamicTest> resnet() throws IOException {
        return table(RESNET).stream().map(e -> DynamicTest.dynamicTest(e.get("model") + " of " + e.get("channels") + " channels", () -> resnet(e)));
    }

    private static void resnet(Map<String, String> expected) {
        ModelRow row = Models.row(expected.get("model"));
        ModelOptions options = row.defaults().channels(Integer.parseInt(expected.get("channels")));
        Module net = row.create(options);
        assertEquals(Family.RESNET, row.family());
        ModelInfo info = ModelInfo.of(row, options, 224);
        assertEquals(224, row.resolution());
        assertEquals(expected.get("parameters"), Long.toString(info.parameters()));
        assertEquals(expected.get("statistics"), Long.toString(info.statistics()));
        assertEquals(expected.get("gmacs"), giga(info.macs()));
        assertEquals(expected.get("gates"), Long.toString(size(all(net, SqueezeExcite.class))));
        assertEquals(expected.get("convolutions"), Integer.toString(all(net, Conv2d.class).size()));
        List<BatchNorm2d> norms = all(net, BatchNorm2d.class);
        assertEquals(expected.get("norms"), Integer.toString(norms.size()));
        assertEquals(expected.get("downsample"), Long.toString(size(norms.stream().filter(n -> n.path().contains("downsample.1")).toList())));
        List<Module> stages = Stream.of("layer1", "layer2", "layer3", "layer4").map(net.children()::get).toList();
        assertEquals(expected.get("repeats"), join(stages.stream().map(s -> s.children().size())));
        assertEquals(expected.get("inner"), join(stages.stream().map(s -> width(last(s).children().get("conv2")))));
        assertEquals(expected.get("outputs"), join(stages.stream().map(s -> width(last(s)))));
    }

    @TestFactory
    Stream<DynamicTest> gates() throws IOException {
        return table("gates.csv").stream().map(e -> DynamicTest.dynamicTest(e.get("model"),
                () -> assertEquals(e.get("units"), join(all(Models.create(e.get("model"), 10), SqueezeExcite.class).stream().map(g -> first(g).dim(0))))));
    }

    @Test
    void nvidiasGatesAreSixteenUnitsWideEverywhere() {
        for (SqueezeExcite gate : all(Models.create("se-resnext101-32x4d", 10), SqueezeExcite.class)) {
            assertEquals(16, first(gate).dim(0), gate.path());
        }
        assertEquals(List.of(16L, 32L, 64L, 128L), all(Models.create("se-resnext101-32x4d-c16", 10), SqueezeExcite.class).stream().map(g -> first(g).dim(0)).distinct().toList());
    }

    @Test
    void classesAndChannelsChangeTheEndsAlone() {
        for (ModelRow row : Models.rows()) {
            Map<String, Shape> shapes = Detected.shapes(row.create(row.defaults()));
            Map<String, Shape> other = new HashMap<>(Detected.shapes(row.create(row.defaults().classes(7).channels(4))));
            long features = shapes.get(row.head() + ".weight").dim(1);
            Shape stem = shapes.get(row.family().stem() + ".weight");
            assertEquals(3, stem.dim(1), row.name());
            assertEquals(Shape.of(7, features), other.put(row.head() + ".weight", Shape.of(1000, features)));
            assertEquals(Shape.of(7), other.put(row.head() + ".bias", Shape.of(1000)));
            assertEquals(Shape.of(stem.dim(0), 4, stem.dim(2), stem.dim(3)), other.put(row.family().stem() + ".weight", stem));
            assertEquals(shapes, other);
        }
    }

    @Test
    void theMiddleIsNvidiasShare() {
        for (ModelRow row : Models.rows()) {
            Preprocessing p = row.preprocessing();
            // The shorter side is scaled to the resolution and 32.
            assertEquals(row.resolution() + 32, row.resolution() / p.crop(), 1e-9, row.name());
            assertEquals(row.family() == Family.RESNET ? Preprocessing.Interpolation.BILINEAR : Preprocessing.Interpolation.BICUBIC, p.interpolation(), row.name());
            assertEquals(Preprocessing.Rule.RESIZE_THEN_CROP, p.rule());
        }
    }

    @TestFactory
    Stream<DynamicTest> namesOrderAndShapesAreTorchvisions() throws IOException {
        return table("torchvision.csv").stream().map(e -> DynamicTest.dynamicTest(e.get("model"), () -> {
            ModelRow row = Models.row(e.get("model"));
            Map<String, Shape> shapes = Detected.shapes(row.create(row.classes()));
            StringBuilder lines = new StringBuilder();
            shapes.forEach((name, shape) -> lines.append(name).append(' ').append(Arrays.stream(shape.dims()).mapToObj(Long::toString).collect(Collectors.joining(",")))
                    .append('\n'));
            assertEquals(e.get("tensors"), Integer.toString(shapes.size()));
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(lines.toString().getBytes(StandardCharsets.UTF_8));
            assertEquals(e.get("sha256"), HexFormat.of().formatHex(digest));
        }));
    }

    @Test
    void eachSystemHasItsOwnConstants() {
        assertEquals(Optional.empty(), Models.row("resnet50").as(Origin.TENSORFLOW));
        assertEquals(Optional.empty(), Models.row("efficientnet-b0").as(Origin.PADDLE));
        assertEquals(Optional.empty(), Models.row("resnext101-32x4d").as(Origin.TORCHVISION));
        assertEquals(Optional.empty(), Models.row("efficientnet-widese-b0").as(Origin.TORCHVISION));
        assertEquals(Optional.empty(), Models.row("se-resnext101-32x4d-c16").as(Origin.NVIDIA));
        assertEquals(25_560_168, ModelInfo.of(Models.row("resnet50").as(Origin.PADDLE).orElseThrow()).parameters());
        assertEquals(Initialization.NVIDIA, Models.row("resnet50").as(Origin.NVIDIA).orElseThrow().defaults().initialization());
        ModelRow tensorflow = Models.row("efficientnet-b2").as(Origin.TENSORFLOW).orElseThrow();
        assertEquals(new ModelOptions(1000, 3, Padding.SAME, Initialization.TENSORFLOW, 0.01, 1e-3, 0.3, 0.8, DropPath.Mode.SAMPLE, false), tensorflow.defaults());
        assertEquals(Preprocessing.Rule.CROP_THEN_RESIZE, tensorflow.preprocessing().rule());
        assertEquals(Preprocessing.Interpolation.BILINEAR, tensorflow.preprocessing().interpolation());
        assertEquals(260.0 / 292, tensorflow.preprocessing().crop());
    }

    /** Pixels, shorter side and epsilon of B0 to B7, as torchvision 0.14 says. */
    @Test
    void torchvisionsWeightsAreMeasuredItsWay() {
        int[][] sizes = {{224, 256}, {240, 256}, {288, 288}, {300, 320}, {380, 384}, {456, 456}, {528, 528}, {600, 600}};
        for (int i = 0; i < sizes.length; i++) {
            ModelRow row = Models.row("efficientnet-b" + i).as(Origin.TORCHVISION).orElseThrow();
            assertEquals(sizes[i][0], row.resolution());
            assertEquals(sizes[i][1], row.resolution() / row.preprocessing().crop(), 1e-9);
            assertEquals(i < 5 ? 1e-5 : 1e-3, row.defaults().normEps());
            assertEquals(i < 5 ? 0.1 : 0.01, row.defaults().normMomentum());
            assertEquals(0.8, row.defaults().survival());
        }
    }

    @Test
    void aliasesAreUniqueAndFound() {
        Set<String> seen = new HashSet<>(Models.names());
        for (ModelRow row : Models.rows()) {
            for (String alias : row.aliases()) {
                assertTrue(seen.add(alias), alias);
                assertEquals(row, Models.row(alias));
            }
        }
        assertEquals("se-resnext101-32x4d-c16", Models.row("seresnext101_32x4d").name());
    }

    private static String giga(long macs) {
        return String.format(Locale.ROOT, "%.4f", macs / 1e9);
    }

    private static String join(Stream<?> values) {
        return values.map(Object::toString).collect(Collectors.joining(" "));
    }

    private static Module last(Module sequence) {
        return List.copyOf(sequence.children().values()).getLast();
    }

    /** Channels of what a module puts out: those of the last normalisation on its main path, or of a convolution. */
    private static long width(Module module) {
        List<Conv2d> own = all(module, Conv2d.class).stream().filter(c -> !c.path().contains("downsample")).toList();
        return first(own.getLast()).dim(0);
    }

    /** Shape of a module's first variable. */
    private static Shape first(Module module) {
        return module.variables().values().iterator().next().type().shape();
    }

    private static long size(List<? extends Module> modules) {
        return modules.stream().flatMap(m -> m.parameters().stream()).mapToLong((Variable v) -> v.type().shape().size()).sum();
    }

    /** All modules of a kind, in order. */
    private static <M extends Module> List<M> all(Module root, Class<M> kind) {
        List<M> found = new ArrayList<>();
        if (kind.isInstance(root)) {
            found.add(kind.cast(root));
        }
        root.children().values().forEach(c -> found.addAll(all(c, kind)));
        return found;
    }
}
