package dev.jacquard.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.layers.DropPath;
import dev.jacquard.layers.Module;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.op.Random;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What each option does to a network. */
class ModelOptionsTest {
    private static final ModelRow B0 = Models.row("efficientnet-b0");
    private static final ModelRow RESNET50 = Models.row("resnet50");
    private static final ModelRow SE = Models.row("se-resnext101-32x4d");

    private static float[] initial(Module m, String name) {
        return m.variables().get(name).initialValues(1);
    }

    /** Root of the mean square. */
    private static double deviation(Module m, String name) {
        float[] values = initial(m, name);
        return Math.sqrt(IntStream.range(0, values.length).mapToDouble(i -> (double) values[i] * values[i]).sum() / values.length);
    }

    private static double largest(Module m, String name) {
        float[] values = initial(m, name);
        return IntStream.range(0, values.length).mapToDouble(i -> Math.abs(values[i])).max().orElseThrow();
    }

    /** Within 2 % where there are a few tens of thousands of values. */
    private static void deviates(double expected, Module m, String name) {
        assertEquals(1, deviation(m, name) / expected, 0.02, name);
    }

    /** All values within a bound, and the largest near it. */
    private static void fills(double bound, Module m, String name) {
        assertTrue(largest(m, name) <= bound * (1 + 1e-6) && largest(m, name) > 0.95 * bound, name + ": " + largest(m, name) + " of " + bound);
    }

    private static final String EXPAND = "features.6.0.block.0.0.weight"; // (672, 1, 1, 112)
    private static final String DEPTHWISE = "features.6.1.block.1.0.weight"; // (1152, 5, 5, 1)
    private static final String SQUEEZE = "features.6.1.block.2.fc1"; // (48, 1, 1, 1152)
    private static final String HEAD = "classifier.1"; // (1000, 1280)

    private static Module b0(Initialization by) {
        return B0.create(B0.defaults().initialization(by));
    }

    @Test
    void torchvisionsEfficientNetBeginsByTheFanOut() {
        Module m = b0(Initialization.TORCHVISION);
        deviates(Math.sqrt(2.0 / 672), m, EXPAND);
        deviates(Math.sqrt(2.0 / (25 * 1152)), m, DEPTHWISE); // PyTorch's fan-out does not know of groups
        deviates(Math.sqrt(2.0 / 48), m, SQUEEZE + ".weight");
        assertEquals(0, largest(m, SQUEEZE + ".bias"));
        fills(1 / Math.sqrt(1000), m, HEAD + ".weight");
        assertEquals(0, largest(m, HEAD + ".bias"));
    }

    @Test
    void nvidiasEfficientNetBeginsByTheFanIn() {
        Module m = b0(Initialization.NVIDIA);
        assertEquals(Initialization.NVIDIA, B0.defaults().initialization());
        deviates(Math.sqrt(2.0 / 112), m, EXPAND);
        deviates(Math.sqrt(2.0 / 25), m, DEPTHWISE);
        fills(1 / Math.sqrt(1152), m, SQUEEZE + ".weight");
        fills(1 / Math.sqrt(1152), m, SQUEEZE + ".bias");
        fills(1 / Math.sqrt(1280), m, HEAD + ".weight");
        fills(1 / Math.sqrt(1280), m, HEAD + ".bias");
    }

    @Test
    void tensorflowsEfficientNetBeginsTruncatedByTheFanOut() {
        Module m = b0(Initialization.TENSORFLOW);
        deviates(Math.sqrt(2.0 / 672), m, EXPAND);
        fills(2 / 0.87962566103423978 * Math.sqrt(2.0 / 672), m, EXPAND);
        deviates(Math.sqrt(2.0 / 25), m, DEPTHWISE); // Keras: (5, 5, 1152, 1) has the fan-out 5 x 5 x 1
        deviates(Math.sqrt(2.0 / 48), m, SQUEEZE + ".weight");
        assertEquals(0, largest(m, SQUEEZE + ".bias"));
        fills(1 / Math.sqrt(1000), m, HEAD + ".weight");
        assertEquals(0, largest(m, HEAD + ".bias"));
    }

    @Test
    void resnetsBeginAsTheirSystemsHaveThem() {
        String square = "layer4.0.conv1.weight"; // (512, 1, 1, 1024)
        Module torchvision = RESNET50.create(10);
        deviates(Math.sqrt(2.0 / 512), torchvision, square);
        fills(1 / Math.sqrt(2048), torchvision, "fc.weight");
        Module nvidia = RESNET50.create(RESNET50.defaults().initialization(Initialization.NVIDIA));
        deviates(Math.sqrt(2.0 / 1024), nvidia, square);
        fills(1 / Math.sqrt(2048), nvidia, "fc.weight");
        fills(1 / Math.sqrt(2048), nvidia, "fc.bias");
        Module paddle = RESNET50.create(RESNET50.defaults().initialization(Initialization.PADDLE).channels(4));
        deviates(Math.sqrt(2.0 / 1024), paddle, square);
        deviates(Math.sqrt(2.0 / (49 * 4)), paddle, "conv1.weight");
        fills(1 / Math.sqrt(2048), paddle, "fc.weight");
        assertEquals(0, largest(paddle, "fc.bias"));
    }

    @Test
    void gatesOfResNeXtAreLinearLayers() {
        Module m = SE.create(10);
        fills(1 / Math.sqrt(2048), m, "layer4.0.squeeze.squeeze.weight");
        deviates(1 / Math.sqrt(3 * 2048), m, "layer4.0.squeeze.squeeze.weight");
        deviates(1 / Math.sqrt(3 * 16), m, "layer4.0.squeeze.expand.weight");
        deviates(Math.sqrt(2.0 / (9 * 32)), m, "layer4.0.conv2.weight"); // groups of 32 channels
    }

    @Test
    void lastNormalisationsMayBeginAtZero() {
        for (boolean zero : new boolean[] {false, true}) {
            float first = zero ? 0 : 1;
            Module resnet = RESNET50.create(RESNET50.defaults().zeroLastNorm(zero));
            assertEquals(first, initial(resnet, "layer1.0.bn3.weight")[0]);
            assertEquals(1, initial(resnet, "layer1.0.bn2.weight")[0]);
            assertEquals(1, initial(resnet, "layer1.0.downsample.1.weight")[0]);
            Module b0 = B0.create(B0.defaults().zeroLastNorm(zero));
            assertEquals(first, initial(b0, "features.2.1.block.3.1.weight")[0]);
            assertEquals(1, initial(b0, "features.2.1.block.1.1.weight")[0]);
            assertEquals(1, initial(b0, "features.2.0.block.3.1.weight")[0]); // a block without a shortcut
        }
    }

    private static Graph trace(ModelRow row, ModelOptions options, boolean training) {
        GraphBuilder b = new GraphBuilder(training);
        b.output("logits", row.create(options).apply(b.input("images", TensorType.f32(2, 64, 64, options.channels()))));
        return b.build();
    }

    private static List<Random.Dropout> drops(ModelRow row, ModelOptions options) {
        return trace(row, options, true).nodes().stream().map(Node::op).filter(Random.Dropout.class::isInstance).map(Random.Dropout.class::cast).toList();
    }

    @Test
    void branchesAreDroppedMoreOftenTheDeeper() {
        ModelRow b4 = Models.row("efficientnet-b4");
        List<Random.Dropout> drops = drops(b4, b4.defaults());
        // 32 blocks, of which seven begin a stage: the first of stage 1 and of each other have no shortcut. One more for the features.
        assertEquals(26, drops.size());
        assertEquals(1 - 0.2 * 1 / 32, drops.getFirst().survival(), 1e-12);
        assertEquals(1 - 0.2 * 31 / 32, drops.get(24).survival(), 1e-12);
        assertEquals(Random.Dropout.Fate.BATCH, drops.get(24).fate());
        assertEquals(0.6, drops.getLast().survival(), 1e-12);
        assertEquals(Random.Dropout.Fate.ELEMENT, drops.getLast().fate());
        assertEquals(Random.Dropout.Fate.SAMPLE, drops(b4, b4.defaults().dropPath(DropPath.Mode.SAMPLE)).get(24).fate());
        assertEquals(1, drops(B0, B0.defaults()).size());
        assertEquals(0, drops(B0, B0.defaults().dropout(0)).size());
        assertEquals(0, trace(b4, b4.defaults(), false).nodes().stream().filter(n -> n.op() instanceof Random.Dropout).count());
    }

    @Test
    void residualNetworksDropBranchesOnRequest() {
        assertEquals(0, drops(RESNET50, RESNET50.defaults()).size());
        List<Random.Dropout> drops = drops(RESNET50, RESNET50.defaults().survival(0.8).dropout(0.1));
        assertEquals(16, drops.size()); // 15 blocks, the first being certain, and the features
        assertEquals(1 - 0.2 * 15 / 16, drops.get(14).survival(), 1e-12);
    }

    private static long nodesWith(ModelOptions options, ModelRow row, String text) {
        return trace(row, options, true).nodes().stream().filter(n -> n.op().toString().contains(text)).count();
    }

    @Test
    void samePaddingIsAtTheBottomAndRight() {
        String odd = "strideH=2, strideW=2, top=0, bottom=1, left=0, right=1";
        // 64 pixels: the stem and stage 2 and 4 are 3x3 of stride 2, stages 3 and 6 are 5x5
        assertEquals(3, nodesWith(B0.defaults().padding(Padding.SAME), B0, odd));
        assertEquals(2, nodesWith(B0.defaults().padding(Padding.SAME), B0, "strideH=2, strideW=2, top=1, bottom=2, left=1, right=2"));
        assertEquals(0, nodesWith(B0.defaults(), B0, odd));
        assertEquals(4, nodesWith(RESNET50.defaults().padding(Padding.SAME), RESNET50, odd)); // the pooling window, too
        assertEquals(1, nodesWith(RESNET50.defaults().padding(Padding.SAME), RESNET50, "top=2, bottom=3, left=2, right=3"));
    }

    @Test
    void normalisationsHaveTheirConstants() {
        assertEquals(49, nodesWith(B0.defaults(), B0, "BatchNorm[eps=0.001]"));
        assertEquals(53, nodesWith(RESNET50.defaults(), RESNET50, "BatchNorm[eps=1.0E-5]"));
        assertEquals(53, nodesWith(RESNET50.defaults().normEps(0.5), RESNET50, "BatchNorm[eps=0.5]"));
        assertEquals(0.01, B0.defaults().normMomentum());
        // What is kept of the old statistics is one number in the graph.
        assertEquals(1, nodesWith(RESNET50.defaults().normMomentum(0.25), RESNET50, "value=0.75"));
        assertEquals(0, nodesWith(RESNET50.defaults(), RESNET50, "value=0.75"));
        assertEquals(1, nodesWith(RESNET50.defaults(), RESNET50, "value=0.9"));
    }

    @Test
    void aFileSaysHowItsModelIsMade() {
        ModelOptions trained = B0.defaults().padding(Padding.SAME).channels(4).normEps(1e-5).classes(7);
        assertEquals(trained, B0.defaults().classes(7).with("x", trained.metadata()));
        assertEquals(trained, trained.with("x", Map.of("format", "pt")));
        for (String[] wrong : new String[][] {{"channels", "three"}, {"channels", "0"}, {"padding", "valid"}, {"norm_eps", "-1"}, {"norm_eps", ""}}) {
            DataException e = assertThrows(DataException.class, () -> trained.with("x", Map.of(wrong[0], wrong[1])));
            assertTrue(e.getMessage().contains(wrong[0] + "=" + wrong[1]), e.getMessage());
        }
    }

    @Test
    void optionsOutOfRangeAreNamed() {
        ModelOptions o = B0.defaults();
        assertEquals("model: dropout out of range: got 1.0; expected a probability in [0, 1); check the dropout",
                assertThrows(CallerException.class, () -> o.dropout(1)).getMessage());
        assertThrows(CallerException.class, () -> o.classes(0));
        assertThrows(CallerException.class, () -> o.channels(0));
        assertThrows(CallerException.class, () -> o.normMomentum(0));
        assertThrows(CallerException.class, () -> o.normMomentum(Double.NaN));
        assertThrows(CallerException.class, () -> o.normEps(0));
        assertThrows(CallerException.class, () -> o.survival(0));
        assertThrows(CallerException.class, () -> o.survival(1.1));
    }
}
