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
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;

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
}
