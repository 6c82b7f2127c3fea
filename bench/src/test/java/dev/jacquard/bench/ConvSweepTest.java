package dev.jacquard.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.bench.ConvCase.Epilogue;
import dev.jacquard.bench.ConvCase.Family;
import dev.jacquard.bench.ConvTrial.Numbers;
import dev.jacquard.bench.ConvTrial.Pass;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Window;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ConvSweepTest {
    private static ConvCase of(int h, int w, int c, int k, int r, Window window, int groups, Nonlinearity activation, boolean residual) {
        return new ConvCase(Set.of("test"), 2, h, w, c, k, r, r, window, groups, new Epilogue(activation, residual));
    }

    @Test
    void usefulTapsLieWithinTheImage() {
        ConvCase c = of(3, 3, 1, 1, 3, Window.of(1, 1), 1, Nonlinearity.NONE, false);
        assertEquals(2.0 * 2 * 49, c.usefulFlops()); // rows see 2, 3 and 2 taps; so do columns
        assertEquals(2.0 * 2 * 81, c.paddedFlops());
        ConvCase point = of(4, 4, 8, 8, 1, Window.of(2, 0), 1, Nonlinearity.NONE, false);
        assertEquals(point.paddedFlops(), point.usefulFlops());
    }

    @Test
    void namesSayWhatDiffers() {
        assertEquals("7x6 3x3 s2 g4 8-16", of(7, 6, 8, 16, 3, Window.of(2, 1), 4, Nonlinearity.NONE, false).name());
        assertEquals("7x7 5x5 dw 8", of(7, 7, 8, 8, 5, Window.of(1, 2), 8, Nonlinearity.NONE, false).name());
        assertEquals("7x7 3x3 p0.0.0.0 8-8", of(7, 7, 8, 8, 3, Window.of(1, 0), 1, Nonlinearity.NONE, false).name());
    }

    @Test
    void networksHaveWhatTheyAreKnownFor() {
        try (Backend cpu = Backends.open("cpu", 1)) {
            List<ConvCase> all = ConvCases.all(1, cpu);
            Map<String, Long> resnet = Map.of("224x224 7x7 s2 3-64", 1L, "56x56 3x3 64-64", 1L, "7x7 1x1 512-2048", 1L);
            resnet.forEach((name, n) -> assertEquals(n, all.stream().filter(c -> c.networks().contains("resnet50") && c.name().equals(name)).count(), name));
            assertEquals(23, all.stream().filter(c -> c.networks().contains("resnet50")).count());
            assertTrue(all.stream().anyMatch(c -> c.family() == Family.GROUPED && c.groups() == 32 && c.networks().contains("se-resnext101-32x4d")));
            assertTrue(all.stream().anyMatch(c -> c.family() == Family.DEPTHWISE && c.epilogue().activation() == Nonlinearity.SILU && c.networks().contains("efficientnet-b0")));
        }
    }

    @Test
    void whatComputesTheConvolutionIsTimed() {
        List<ConvCase> cases = List.of(
                of(7, 6, 8, 12, 3, Window.of(1, 1), 1, Nonlinearity.RELU, true),
                of(9, 8, 8, 16, 3, Window.of(2, 1), 4, Nonlinearity.NONE, false),
                of(8, 8, 16, 16, 5, new Window(2, 2, 1, 2, 1, 2, 1, 1), 16, Nonlinearity.SILU, true),
                of(9, 9, 3, 8, 3, Window.of(1, 2).dilated(2), 1, Nonlinearity.SILU, false));
        Numbers numbers = Numbers.of(cases);
        try (Backend cpu = Backends.open("cpu", 2)) {
            for (ConvCase c : cases) {
                try (ConvTrial trial = new ConvTrial(c, List.of(Pass.values()), numbers, cpu)) {
                    for (Pass pass : Pass.values()) {
                        assertTrue(Arrays.stream(trial.time(pass, 0)).allMatch(ms -> ms > 0));
                    }
                }
            }
        }
    }

    @Test
    void whatComputesSomethingElseIsNot() {
        ConvCase plus = of(5, 5, 4, 4, 3, Window.of(1, 1), 1, Nonlinearity.NONE, false);
        float[] pool = Numbers.of(List.of(plus)).pool();
        for (Pass pass : Pass.values()) {
            double[] want = new ConvSums(plus, pool).at(pass, 0, 1, 2);
            double[] got = Arrays.stream(want).map(v -> v + 1e-3).toArray();
            ConvTrial.compare(plus, pass, new int[] {0, 1, 2}, want, want);
            assertThrows(IllegalStateException.class, () -> ConvTrial.compare(plus, pass, new int[] {0, 1, 2}, got, want), pass::name);
        }
    }
}
