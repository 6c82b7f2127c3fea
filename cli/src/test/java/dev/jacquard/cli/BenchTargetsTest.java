package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.train.NetworkStep.Work;
import java.util.List;
import org.junit.jupiter.api.Test;

class BenchTargetsTest {
    private final BenchTargets targets = new BenchTargets();

    private static BenchCase training(String precision) {
        return new BenchCase(Work.TRAIN, "resnet50", 224, 256, precision, List.of("eager"));
    }

    private static BenchReport.Figures side(String contender, double ms, double gib) {
        return new BenchReport.Figures(contender, new double[] {ms}, (long) (gib * (1L << 30)), "");
    }

    private String line(String part) {
        return targets.lines().stream().filter(l -> l.contains(part)).findFirst().orElseThrow(() -> new AssertionError(part + " in " + targets.lines()));
    }

    @Test
    void speedUpsAreComparedModeByModeAndMemoryWithEager() {
        targets.add(training("tf32"), List.of(side("jacquard", 100, 10), side("pytorch eager", 110, 12), side("pytorch cudagraph", 105, 2)));
        targets.add(training("fp16"), List.of(side("jacquard", 50, 5.5), side("pytorch eager", 60, 6), side("pytorch cudagraph", 45, 1)));
        assertEquals("| resnet50 224 px batch 256 | fp16 over tf32 speeds up as pytorch eager | 2.00x | 1.83x | met |", line("as pytorch eager"));
        assertTrue(line("as pytorch cudagraph").endsWith("| 2.00x | 2.33x | **missed** |"));
        assertTrue(line("tf32 memory").endsWith("| 10.00 GiB | 12.00 GiB | met |"), line("tf32 memory"));
        assertTrue(line("fp16 memory").endsWith("| 5.50 GiB | 6.00 GiB | **missed** |"), line("fp16 memory"));
    }

    @Test
    void whatWasNotMeasuredIsNotRun() {
        targets.add(training("fp16"), List.of(side("jacquard", 50, 5), new BenchReport.Figures("pytorch eager", new double[0], 0, "out of memory")));
        assertTrue(line("as pytorch eager").endsWith("| - | - | not run |"));
        assertTrue(line("fp16 memory").endsWith("| 5.00 GiB | - | not run |"));
        targets.add(training("bf16"), List.of(side("jacquard", 50, 0), side("pytorch eager", 60, 0)));
        assertTrue(line("bf16 memory").endsWith("| - | - | not run |"), "0 is not known");
    }

    @Test
    void aLaterCaseFillsWhatAnEarlierOneLeftOut() {
        targets.add(training("fp16"), List.of(new BenchReport.Figures("jacquard", new double[0], 0, "left out"), side("pytorch eager", 60, 6)));
        targets.add(training("fp16"), List.of(side("jacquard", 50, 3), side("pytorch compile", 40, 4)));
        assertTrue(line("fp16 memory").endsWith("| 3.00 GiB | 6.00 GiB | met |"), line("fp16 memory"));
    }

    @Test
    void inferenceHasNone() {
        targets.add(new BenchCase(Work.INFER, "resnet50", 224, 1, "fp16", List.of()), List.of(side("jacquard", 1, 1)));
        assertEquals(List.of(), targets.lines());
    }
}
