package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.jacquard.autograd.Gradients;
import dev.jacquard.layers.Losses;
import dev.jacquard.layers.Module;
import dev.jacquard.models.ModelOptions;
import dev.jacquard.models.Models;
import dev.jacquard.models.Padding;
import dev.jacquard.models.Weights;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.io.SafeTensors;
import dev.jacquard.tensor.io.SafeTensorsWriter;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * ResNet, ResNeXt, SE-ResNeXt and EfficientNet with weights by a stated formula, which travel in a safetensors file of torchvision's names or another
 * library's, against what PyTorch 1.13 computed for them: logits in evaluation, every gradient of a training step.
 * {@code src/test/scripts/make_family_reference.py} made the values; its README says how far PyTorch in F32 is from PyTorch in F64.
 */
class FamilyReferenceTest {
    /** Relative to the largest logit. The issue asks for 1e-4; PyTorch in F32 differs by 4e-6 from PyTorch in F64. */
    private static final double LOGITS = 1e-5;

    /** Relative to the gradient's norm. The issue asks for 1e-3; PyTorch in F32 differs by 2e-5 from PyTorch in F64. */
    private static final double GRADIENTS = 1e-4;

    /** Relative to the norm. A biased variance would be off by 1e-4 after one step of momentum 0.01; PyTorch in F32 differs by 1e-7. */
    private static final double STATISTICS = 1e-6;

    private static final double LABEL_SMOOTHING = 0.1;

    /** The case's name up to its image size, and the model it is about. */
    private static final Map<String, Net> NETS = Map.of(
            "resnet50", new Net("resnet50", o -> o),
            "resnext101", new Net("resnext101-32x4d", o -> o),
            "se_resnext101_16", new Net("se-resnext101-32x4d", o -> o),
            "se_resnext101_ratio", new Net("se-resnext101-32x4d-c16", o -> o),
            "efficientnet_b0", new Net("efficientnet-b0", o -> o),
            "efficientnet_b0_standard", new Net("efficientnet-b0", o -> o.normEps(1e-5).normMomentum(0.1)),
            "efficientnet_b0_same", new Net("efficientnet-b0", o -> o.padding(Padding.SAME)),
            "efficientnet_b4", new Net("efficientnet-b4", o -> o),
            "efficientnet_widese_b0", new Net("efficientnet-widese-b0", o -> o));

    private static Backend cpu;

    @TempDir
    Path dir;

    private record Net(String name, UnaryOperator<ModelOptions> options) {
        Module create() {
            return Models.create(name, options.apply(Models.row(name).defaults()).dropout(0).survival(1));
        }
    }

    @BeforeAll
    static void open() {
        cpu = Backends.open("cpu", 0);
    }

    @AfterAll
    static void close() {
        cpu.close();
    }

    /** A state dict as a library has it, batch counters included. */
    private static void writeStateDict(Path path, Module module, StateDictNames names) {
        Map<String, TensorType> types = new LinkedHashMap<>();
        Map<String, float[]> values = new HashMap<>();
        module.variables().forEach((ours, v) -> {
            Shape s = v.type().shape();
            Shape oihw = s.rank() == 4 ? Shape.of(s.dim(0), s.dim(3), s.dim(1), s.dim(2)) : s;
            String name = names.of(ours);
            types.put(name, new TensorType(DType.F32, names.of(ours, oihw)));
            values.put(name, HashFormula.parameter(ours, oihw.dims()));
            if (name.endsWith("running_var")) {
                types.put(name.replace("running_var", "num_batches_tracked"), TensorType.of(DType.I64));
            }
        });
        try (SafeTensorsWriter file = SafeTensors.writer(path)) {
            types.forEach(file::declare);
            file.metadata(Map.of("format", "pt"));
            types.forEach((name, t) -> file.write(name, t.dtype() == DType.I64 ? MemorySegment.ofArray(new long[1]) : MemorySegment.ofArray(values.get(name))));
        }
    }

    private State weights(Module module, StateDictNames names) {
        Path file = dir.resolve("weights.safetensors");
        writeStateDict(file, module, names);
        State state = new State(cpu).initialize(module.variables().values(), 0);
        Weights.load(file, module, state);
        return state;
    }

    @TestFactory
    Stream<DynamicTest> logits() throws IOException {
        return cases().map(row -> DynamicTest.dynamicTest(row.get("name").getAsString(), () -> logits(row, StateDictNames.TORCHVISION)));
    }

    @TestFactory
    Stream<DynamicTest> logitsOfOtherNames() throws IOException {
        Map<String, List<StateDictNames>> whose = Map.of(
                "se_resnext101_16_64", List.of(StateDictNames.NVIDIA),
                "se_resnext101_ratio_64", List.of(StateDictNames.TIMM),
                "efficientnet_b0_96", List.of(StateDictNames.TIMM, StateDictNames.NVIDIA),
                "efficientnet_widese_b0_96", List.of(StateDictNames.NVIDIA));
        return cases().flatMap(row -> whose.getOrDefault(row.get("name").getAsString(), List.of()).stream()
                .map(names -> DynamicTest.dynamicTest(row.get("name").getAsString() + " of " + names, () -> logits(row, names))));
    }

    private static Stream<JsonObject> cases() throws IOException {
        return ReferenceValues.json("family_logits.json").getAsJsonArray("cases").asList().stream().map(JsonElement::getAsJsonObject);
    }

    private void logits(JsonObject row, StateDictNames names) {
        String name = row.get("name").getAsString();
        int n = row.get("images").getAsInt();
        int size = row.get("size").getAsInt();
        Module net = NETS.get(name.substring(0, name.lastIndexOf('_'))).create();
        assertEquals(row.get("parameters").getAsLong(), net.parameters().stream().mapToLong(v -> v.type().shape().size()).sum());
        GraphBuilder b = new GraphBuilder(false);
        b.output("logits", net.apply(b.input("x", TensorType.f32(n, size, size, 3))));
        try (State state = weights(net, names); Plan plan = Plan.of(b.build(), state)) {
            plan.feed("x", MemorySegment.ofArray(HashFormula.scenes(0, n, size)));
            plan.run();
            double difference = ReferenceValues.difference(plan.floats("logits"), ReferenceValues.floats(name + "_f64.npy"));
            System.out.printf("%s, names of %s: logits differ by %.2e of the largest%n", name, names, difference);
            assertTrue(difference <= LOGITS, "logits are off by " + difference);
        }
    }

    @Test
    void gradientsOfEfficientNetB0() throws IOException {
        gradients("efficientnet_b0", 213);
    }

    @Test
    void gradientsOfEfficientNetB0OfSamePadding() throws IOException {
        gradients("efficientnet_b0_same", 213);
    }

    @Test
    void gradientsOfSeResNext101() throws IOException {
        gradients("se_resnext101_16", 446);
    }

    private void gradients(String which, int count) throws IOException {
        JsonObject reference = ReferenceValues.json(which + "_gradients.json");
        int n = reference.getAsJsonArray("shape").get(0).getAsInt();
        int size = reference.getAsJsonArray("shape").get(2).getAsInt();
        Module net = NETS.get(which).create();
        Graph graph = step(net, n, size);
        try (State state = weights(net, StateDictNames.TORCHVISION); Plan plan = Plan.of(graph, state)) {
            plan.feed("x", MemorySegment.ofArray(HashFormula.scenes(0, n, size)));
            plan.feed("labels", MemorySegment.ofArray(HashFormula.labels(0, n, 1000)));
            plan.run();
            assertEquals(reference.get("loss_f64").getAsDouble(), plan.scalar("loss"), 1e-5);
            double worst = 0;
            for (var e : reference.getAsJsonArray("gradients")) {
                JsonObject g = e.getAsJsonObject();
                worst = Math.max(worst, compare(g, g.get("scale").getAsDouble(), GRADIENTS, plan.floats(g.get("name").getAsString()), state));
            }
            assertEquals(count, reference.getAsJsonArray("gradients").size());
            assertEquals(count, net.parameters().size());
            double worstStatistic = 0;
            for (var e : reference.getAsJsonArray("running_statistics")) {
                JsonObject s = e.getAsJsonObject();
                float[] got = state.get(state.variable(s.get("name").getAsString()));
                worstStatistic = Math.max(worstStatistic, compare(s, s.get("norm").getAsDouble(), STATISTICS, got, state));
            }
            System.out.printf("%s: gradients of %d parameters differ by %.2e at most, running statistics by %.2e%n", which, count, worst, worstStatistic);
        }
    }

    private static Graph step(Module net, int n, int size) {
        GraphBuilder b = new GraphBuilder(true);
        Tensor x = b.input("x", TensorType.f32(n, size, size, 3));
        Tensor loss = Losses.crossEntropy(net.apply(x), b.input("labels", TensorType.of(DType.I32, n)), LABEL_SMOOTHING);
        List<Variable> parameters = net.parameters();
        List<Tensor> gradients = Gradients.of(loss, parameters.stream().map(b::read).toList());
        b.output("loss", loss);
        for (int i = 0; i < gradients.size(); i++) {
            b.output(parameters.get(i).name(), gradients.get(i));
        }
        return b.build();
    }

    private static double compare(JsonObject summary, double scale, double bound, float[] engine, State state) {
        String name = summary.get("name").getAsString();
        double difference = ReferenceValues.difference(summary, summary.getAsJsonArray("index"), scale, engine, state.variable(name).type().shape(), name);
        assertTrue(difference <= bound, name + " differs by " + difference);
        return difference;
    }
}
