package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.jacquard.cli.Main;
import dev.jacquard.layers.Module;
import dev.jacquard.models.ModelOptions;
import dev.jacquard.models.Models;
import dev.jacquard.models.Padding;
import dev.jacquard.models.Weights;
import dev.jacquard.onnx.OnnxFile;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Reduction;
import dev.jacquard.tensor.op.Window;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.train.Predictor;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.MemorySegment;
import java.nio.FloatBuffer;
import java.nio.file.Path;
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

/** What ONNX Runtime computes from our ONNX files is what we compute. */
class OnnxTest {
    /** Relative to the largest logit of all. */
    private static final double LOGITS = 1e-4;

    private static final int CLASSES = 10;
    private static final int PIXELS = 64;

    private static Backend cpu;

    @TempDir
    Path dir;

    @BeforeAll
    static void open() {
        cpu = Backends.open("cpu", 0);
    }

    @AfterAll
    static void close() {
        cpu.close();
    }

    /** Weights and statistics by the formula of the reference tests, none of them trivial. */
    private static State weights(Module net) {
        State state = new State(cpu).reserve(net.variables().values());
        net.variables().forEach((name, v) -> {
            Shape s = v.type().shape();
            float[] values = HashFormula.parameter(name, s.rank() == 4 ? new long[] {s.dim(0), s.dim(3), s.dim(1), s.dim(2)} : s.dims());
            state.set(v, s.rank() == 4 ? channelsLast(values, s.intDim(0), s.intDim(3), s.intDim(1) * s.intDim(2)) : values);
        });
        return state;
    }

    /** (N, C, pixels) to (N, pixels, C). */
    private static float[] channelsLast(float[] values, int n, int c, int pixels) {
        float[] out = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            out[(i / (c * pixels) * pixels + i % pixels) * c + i / pixels % c] = values[i];
        }
        return out;
    }

    /** (N, pixels, C) to (N, C, pixels). */
    private static float[] channelsFirst(float[] values, int n, int c, int pixels) {
        return channelsLast(values, n, pixels, c);
    }

    private static float[] onnxRuntime(Path file, float[] nchw, long... dims) throws OrtException {
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setIntraOpNumThreads(2);
            try (OrtSession session = environment.createSession(file.toString(), options);
                    OnnxTensor in = OnnxTensor.createTensor(environment, FloatBuffer.wrap(nchw), dims);
                    OrtSession.Result result = session.run(Map.of(session.getInputNames().iterator().next(), in))) {
                FloatBuffer values = ((OnnxTensor) result.get(0)).getFloatBuffer();
                float[] out = new float[values.remaining()];
                values.get(out);
                return out;
            }
        }
    }

    private static float[] ours(Graph graph, State state, float[] nhwc) {
        try (Plan plan = Plan.of(graph, state)) {
            plan.feed(graph.inputs().keySet().iterator().next(), MemorySegment.ofArray(nhwc));
            plan.run();
            return plan.floats(graph.outputs().keySet().iterator().next());
        }
    }

    private static void assertClose(float[] want, float[] got) {
        double largest = 0;
        double difference = 0;
        for (int i = 0; i < want.length; i++) {
            largest = Math.max(largest, Math.abs(want[i]));
            difference = Math.max(difference, Double.isNaN(got[i]) ? Double.POSITIVE_INFINITY : Math.abs(want[i] - got[i]));
        }
        assertEquals(want.length, got.length);
        assertTrue(largest > 0.01, "logits are all but zero: " + largest);
        assertTrue(difference <= LOGITS * largest, difference + " of " + largest);
    }

    private record Net(String name, String arch, UnaryOperator<ModelOptions> options) {}

    @TestFactory
    Stream<DynamicTest> logits() {
        return Stream.of(new Net("resnet50", "resnet50", o -> o), new Net("se-resnext101-32x4d", "se-resnext101-32x4d", o -> o),
                new Net("efficientnet-b0", "efficientnet-b0", o -> o),
                new Net("efficientnet-b0, SAME", "efficientnet-b0", o -> o.padding(Padding.SAME)), new Net("resnet18, 4 channels", "resnet18", o -> o.channels(4)))
                .map(net -> DynamicTest.dynamicTest(net.name, () -> logits(net)));
    }

    /** One file serves any number of images. */
    private void logits(Net net) throws OrtException {
        ModelOptions options = net.options.apply(Models.row(net.arch).defaults().classes(CLASSES));
        Module module = Models.create(net.arch, options);
        Path file = dir.resolve("net.onnx");
        int c = options.channels();
        try (State state = weights(module)) {
            for (int n : new int[] {2, 1}) {
                GraphBuilder b = new GraphBuilder(false);
                b.output("logits", module.apply(b.input("images", TensorType.f32(n, PIXELS, PIXELS, c))));
                Graph graph = b.build();
                if (n == 2) {
                    OnnxFile.write(file, graph, state, OnnxFile.Options.STANDARD);
                }
                float[] images = channelsLast(HashFormula.parameter("images.weight", new long[] {n, c, PIXELS, PIXELS}), n, c, PIXELS * PIXELS);
                for (int i = 0; i < images.length; i++) {
                    images[i] *= (float) Math.sqrt(c * PIXELS * PIXELS); // the formula draws weights for as many inputs
                }
                assertClose(ours(graph, state, images), onnxRuntime(file, channelsFirst(images, n, c, PIXELS * PIXELS), n, c, PIXELS, PIXELS));
            }
        }
    }

    /** Ops that the networks have none of, among images and among rows. */
    @Test
    void otherOps() throws OrtException {
        GraphBuilder b = new GraphBuilder(false);
        Tensor x = b.input("x", TensorType.f32(2, 6, 5, 3));
        Tensor perChannel = b.apply(new dev.jacquard.tensor.op.Leaf.Literal(TensorType.f32(3), List.of(0.5, -1.0, 2.0)), List.of()).getFirst();
        Tensor perRow = b.apply(new dev.jacquard.tensor.op.Leaf.Literal(TensorType.f32(5, 1), List.of(0.5, -1.0, 2.0, 1.0, 3.0)), List.of()).getFirst();
        Tensor y = x.mulAdd(perChannel, perRow).tanh().sub(x.abs().add(1).rsqrt());
        y = y.avgPool2d(3, 2, Window.of(2, 1)).concat(3, y.maxPool2d(3, 2, Window.of(2, 1))).slice(3, 1, 5);
        y = y.mul(y.mean(1, 2).sigmoid().reshape(2, 1, 1, 4)).apply(new dev.jacquard.tensor.op.Movement.Pad(1, 1, 2));
        Tensor rows = y.apply(new Reduction.Sum(List.of(1, 2), false)).mul(2).add(1);
        b.output("y", rows.apply(new dev.jacquard.tensor.op.Pointwise.Hardswish()).div(rows.exp().add(1)).softmax());
        Graph graph = b.build();
        float[] in = HashFormula.parameter("x.weight", new long[] {2, 6, 5, 3});
        for (int i = 0; i < in.length; i++) {
            in[i] *= 10;
        }
        try (State none = new State(cpu)) {
            for (boolean any : new boolean[] {true, false}) {
                OnnxFile.write(dir.resolve("ops.onnx"), graph, none, new OnnxFile.Options(any, Map.of()));
                assertClose(ours(graph, none, in), onnxRuntime(dir.resolve("ops.onnx"), channelsFirst(in, 2, 3, 30), 2, 3, 6, 5));
            }
        }
    }

    @Test
    void anOpWithoutAnOnnxFormIsNamed() {
        GraphBuilder b = new GraphBuilder(false);
        b.output("y", b.input("x", TensorType.f32(2, 3)).argmax(1));
        try (State none = new State(cpu)) {
            CallerException e = assertThrows(CallerException.class, () -> OnnxFile.write(dir.resolve("no.onnx"), b.build(), none, OnnxFile.Options.STANDARD));
            assertTrue(e.getMessage().contains("argmax"), e.getMessage());
        }
    }

    @Test
    void theCommandWritesWhatThePredictorComputes() throws OrtException {
        Path weights = dir.resolve("weights.safetensors");
        Path file = dir.resolve("net.onnx");
        Module net = Models.create("resnet18", 5);
        try (State state = weights(net)) {
            Weights.save(weights, net, state, Weights.metadata("resnet18", 5, List.of("a", "b", "c", "d", "e")));
        }
        StringWriter out = new StringWriter();
        int code = Main.run(new String[] {"export", "--weights", weights.toString(), "--output", file.toString(), "--image-size", "64"}, new PrintWriter(out),
                new PrintWriter(out));
        assertEquals(0, code, out.toString());
        float[] images = new float[64 * 64 * 3];
        for (int i = 0; i < images.length; i++) {
            images[i] = (float) Math.sin(i * 0.37);
        }
        try (Predictor predictor = Predictor.load(null, weights, cpu)) {
            assertClose(predictor.logits(images, 1, 64, 64), onnxRuntime(file, channelsFirst(images, 1, 3, 64 * 64), 1, 3, 64, 64));
        }
    }
}
