package dev.jacquard.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.jacquard.layers.Decay;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.op.Update;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** How many parameters each system's rule leaves out, counted from their sources. */
class DecayTest {
    /** @param all elements of all parameters @param free elements of those that do not decay */
    private record Row(String model, int channels, Decay decay, long all, long free) {}

    /**
     * Normalisations of ResNet-50 have 53,120 parameters, of SE-ResNeXt101 137,856, of EfficientNet-B0 and B4 42,016 and 125,200; depthwise kernels of the latter two 182,016 and
     * 555,672.
     */
    private static final Row[] ROWS = {
        new Row("resnet50", 3, Decay.ALL, 25_557_032, 0),
        new Row("resnet50", 3, Decay.WEIGHTS, 25_557_032, 53_120 + 1_000),
        new Row("resnet50", 3, Decay.NVIDIA_PYTORCH, 25_557_032, 53_120 - 7_680),
        new Row("resnet50", 4, Decay.PADDLE, 25_560_168, 53_120),
        new Row("se-resnext101-32x4d", 3, Decay.NVIDIA_PYTORCH, 45_251_128, 137_856 - 7_680),
        new Row("efficientnet-b0", 3, Decay.NVIDIA_PYTORCH, 5_288_548, 42_016),
        new Row("efficientnet-b4", 3, Decay.NVIDIA_PYTORCH, 19_341_616, 125_200),
        new Row("efficientnet-widese-b0", 3, Decay.NVIDIA_PYTORCH, 8_423_848, 42_016),
        new Row("efficientnet-b0", 3, Decay.TENSORFLOW, 5_288_548, 42_016 + 182_016),
        new Row("efficientnet-b4", 3, Decay.TENSORFLOW, 19_341_616, 125_200 + 555_672)};

    private static Module model(Row r) {
        return Models.create(r.model, Models.row(r.model).defaults().channels(r.channels));
    }

    private static long elements(Module m, Map<Variable, Double> factors, double factor) {
        return m.parameters().stream().filter(p -> factors.get(p) == factor).mapToLong(p -> p.type().shape().size()).sum();
    }

    @TestFactory
    Stream<DynamicTest> rulesLeaveOutWhatTheSystemsDo() {
        return Stream.of(ROWS).map(r -> dynamicTest(r.model + " " + r.decay, () -> {
            Module m = model(r);
            Map<Variable, Double> factors = r.decay.factors(m);
            assertEquals(Set.copyOf(m.parameters()), factors.keySet());
            assertEquals(r.free, elements(m, factors, 0));
            assertEquals(r.all - r.free, elements(m, factors, r.decay == Decay.TENSORFLOW ? 2 : 1), "the gradient of wd sum(w^2) has a factor of 2");
        }));
    }

    @Test
    void theNormalisationsThatDecayInNvidiasResNetAreTheShortcuts() {
        Module m = Models.create("resnet50", 1000);
        Map<Variable, Double> nvidia = Decay.NVIDIA_PYTORCH.factors(m);
        Map<Variable, Double> paddle = Decay.PADDLE.factors(m);
        Set<String> differ = new TreeSet<>();
        m.parameters().stream().filter(p -> !nvidia.get(p).equals(paddle.get(p))).forEach(p -> differ.add(p.name().replaceFirst("^layer\\d\\.0\\.", "")));
        assertEquals(Set.of("downsample.1.weight", "downsample.1.bias"), differ);
    }

    @Test
    void gatesAndTheClassifierDecayWithTheirBiases() {
        Module m = Models.create("efficientnet-b0", 1000);
        for (Decay d : new Decay[] {Decay.TENSORFLOW, Decay.NVIDIA_PYTORCH}) {
            Map<Variable, Double> factors = d.factors(m);
            assertTrue(m.parameters().stream().filter(p -> p.name().startsWith("classifier") || p.name().contains(".fc")).allMatch(p -> factors.get(p) > 0));
        }
        Optimizer o = new Optimizer(new Update.RmsProp(0.9, 1e-3, 0.9, 5e-6, Update.RmsProp.Form.TENSORFLOW), Decay.TENSORFLOW, m);
        assertEquals(1e-5, o.decay(m.variables().get("classifier.1.bias")));
        assertEquals(0, o.decay(m.variables().get("features.0.1.weight")));
    }
}
