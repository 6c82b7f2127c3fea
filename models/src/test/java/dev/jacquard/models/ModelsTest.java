package dev.jacquard.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.layers.DropPath;
import dev.jacquard.layers.Losses;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.layers.Sgd;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Symbol;
import dev.jacquard.tensor.op.Leaf;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class ModelsTest {
    @TestFactory
    Stream<DynamicTest> everyRowTrains() {
        return Models.rows().stream().flatMap(row -> Stream.of(row.defaults(),
                row.defaults().channels(4).padding(Padding.SAME).dropPath(DropPath.Mode.SAMPLE).survival(0.8).dropout(0.3).zeroLastNorm(true))
                .map(o -> DynamicTest.dynamicTest(row.name() + " " + o.padding() + " " + o.dropPath(), () -> trains(row, o.classes(7)))));
    }

    /** One training step as a graph: types fit, every parameter is reached, everything that shall change does. */
    private static void trains(ModelRow row, ModelOptions options) {
        Module m = row.create(options);
        GraphBuilder b = new GraphBuilder(true);
        Tensor logits = m.apply(b.input("images", TensorType.f32(2, 64, 64, options.channels())));
        assertEquals(Shape.of(2, 7), logits.shape());
        Tensor loss = Losses.crossEntropy(logits, b.input("labels", TensorType.of(DType.I32, 2)), 0.1);
        List<Tensor> gradients = Gradients.of(loss, m.parameters().stream().map(b::read).toList());
        for (Tensor g : gradients) {
            assertFalse(((Symbol) g).node().op() instanceof Leaf, "a parameter that nothing reaches");
        }
        Sgd sgd = new Sgd(0.9, 1e-4, false, Optimizer.DecayRule.ALL);
        sgd.update(b, m.parameters(), gradients, b.input("lr", TensorType.f32()));
        Graph g = b.build();
        assertEquals(m.variables().size() + sgd.slots().size(), g.updates().size());
        assertEquals(m.parameters().size(), g.nodes().stream().filter(n -> n.op().name().equals("sgd_momentum")).count());
    }

    @Test
    void namesAndShapesAreTorchvisions() {
        Module m = Models.create("resnet50", 1000);
        Map<String, Variable> v = m.variables();
        assertEquals(267, v.size()); // 320 in a state_dict, with its 53 counters;
        assertEquals(161, m.parameters().size());
        List<String> names = List.copyOf(v.keySet());
        assertEquals(List.of("conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var", "layer1.0.conv1.weight"), names.subList(0, 6));
        assertEquals(List.of("layer1.0.bn3.running_var", "layer1.0.downsample.0.weight", "layer1.0.downsample.1.weight"), names.subList(19, 22));
        assertEquals(List.of("layer4.2.bn3.running_var", "fc.weight", "fc.bias"), names.subList(264, 267));
        assertEquals(Shape.of(64, 7, 7, 3), v.get("conv1.weight").type().shape());
        assertEquals(Shape.of(1024, 1, 1, 512), v.get("layer3.0.downsample.0.weight").type().shape());
        assertEquals(Shape.of(1000, 2048), v.get("fc.weight").type().shape());
    }

    @Test
    void theStrideIsOnThe3x3() {
        GraphBuilder b = new GraphBuilder(false);
        Models.create("resnet50", 10).apply(b.input("x", TensorType.f32(1, 64, 64, 3)));
        String strided = b.build().nodes().stream().filter(n -> n.op().toString().contains("strideH=2")).map(n -> n.label()).toList().toString();
        assertEquals("[conv1, maxpool, layer2.0.conv2, layer2.0.downsample.0, layer3.0.conv2, layer3.0.downsample.0, layer4.0.conv2, layer4.0.downsample.0]", strided);
    }

    @Test
    void anUnknownNameSuggestsTheNearest() {
        assertTrue(assertThrows(CallerException.class, () -> Models.create("ResNet-50", 10)).getMessage().endsWith("did you mean resnet50?"));
        assertTrue(assertThrows(CallerException.class, () -> Models.create("resnet50", 0)).getMessage().contains("check the number of classes"));
    }
}
