package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.layers.Activation;
import dev.jacquard.layers.BatchNorm2d;
import dev.jacquard.layers.Conv2d;
import dev.jacquard.layers.GlobalAvgPool2d;
import dev.jacquard.layers.Linear;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Sequential;
import dev.jacquard.models.SmallNetworks;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The comparison can fail: a network that is slightly another one on the second backend is told apart. */
class TrainingTwinsTest {
    private static Module network(double eps, double momentum) {
        return Sequential.of(new Conv2d(Conv2d.Config.of(3, 8, 3)), new BatchNorm2d(8, new BatchNorm2d.Settings(eps, momentum), 1), Activation.RELU.module(), new GlobalAvgPool2d(),
                new Linear(8, SmallNetworks.CLASSES));
    }

    private static List<String> problems(Module first, Module second) {
        Deque<Module> made = new ArrayDeque<>(List.of(first, second));
        SmallNetworks.Row row = new SmallNetworks.Row("twins", () -> made.isEmpty() ? network(1e-5, 0.1) : made.removeFirst());
        try (Backend cpu = Backends.open("cpu", 1)) {
            return TrainingTwins.compare(row, cpu, cpu, Tolerance::of).problems();
        }
    }

    /** In half precision. @param first on the backend under test */
    private static List<String> problems(DType half, Module first) {
        Deque<Module> made = new ArrayDeque<>(List.of(first));
        SmallNetworks.Row row = new SmallNetworks.Row("twins", () -> made.isEmpty() ? network(1e-5, 0.1) : made.removeFirst());
        try (Backend cpu = Backends.open("cpu", 1)) {
            return TrainingTwins.compare(row, half, cpu, cpu).problems();
        }
    }

    @Test
    void equalNetworksAreEqual() {
        assertEquals(Collections.emptyList(), problems(network(1e-5, 0.1), network(1e-5, 0.1)));
    }

    @Test
    void anotherForwardPassIsSeen() {
        List<String> problems = problems(network(1e-5, 0.1), network(2e-3, 0.1));
        assertTrue(problems.stream().anyMatch(p -> p.startsWith("optimizer.momentum.")), problems.toString());
    }

    @Test
    void anotherStatisticAloneIsSeen() {
        List<String> problems = problems(network(1e-5, 0.1), network(1e-5, 0.101));
        assertTrue(!problems.isEmpty() && problems.stream().allMatch(p -> p.contains("running_")), problems.toString());
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void inHalfPrecisionToo(DType half) {
        assertEquals(Collections.emptyList(), problems(half, network(1e-5, 0.1)));
        List<String> forward = problems(half, network(0.5, 0.1));
        assertTrue(forward.stream().anyMatch(p -> p.startsWith("optimizer.momentum.")), forward.toString());
        List<String> statistics = problems(half, network(1e-5, 0.11));
        assertTrue(!statistics.isEmpty() && statistics.stream().allMatch(p -> p.contains("running_")), statistics.toString());
    }

    @Test
    void anOverflowIsSkippedAndCounted() {
        try (Backend cpu = Backends.open("cpu", 1)) {
            TrainingTwins.Result r = TrainingTwins.overflow(SmallNetworks.rows().getFirst(), cpu);
            assertEquals(Collections.emptyList(), r.problems());
            assertEquals(1, r.skipped());
        }
    }
}
