package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Convolutions on tensor cores: every candidate of every pass against the reference. */
class TensorCoreConvolutionsTest {
    /** A convolution of n images of h x w x c to k channels by r x s taps. */
    private record Problem(Window window, int groups, long n, long h, long w, long c, long k, long r, long s) {
        Sample forward() {
            return Sample.of(new Conv2d(window, groups), x(), weights());
        }

        Sample backwardData() {
            return Sample.of(new Conv2dBackwardData(window, groups, h, w), y(), weights());
        }

        Sample backwardWeight() {
            return Sample.of(new Conv2dBackwardWeight(window, groups, (int) r, (int) s), x(), y());
        }

        private Operand x() {
            return Operand.of(n, h, w, c);
        }

        private Operand weights() {
            return Operand.of(k, r, s, c / groups);
        }

        private Operand y() {
            return Operand.of(n, window.outH(h, r), window.outW(w, s), k);
        }
    }

    private static final List<Problem> PROBLEMS = List.of(
            new Problem(Window.of(1, 1), 1, 2, 7, 9, 24, 40, 3, 3),
            new Problem(Window.of(2, 1), 1, 1, 9, 8, 16, 72, 3, 3),
            new Problem(Window.of(2, 0), 1, 2, 8, 7, 48, 136, 1, 1),
            new Problem(Window.of(1, 2), 1, 1, 6, 7, 8, 8, 5, 5),
            new Problem(Window.of(1, 2).dilated(2), 1, 1, 8, 9, 16, 16, 3, 3),
            new Problem(new Window(3, 2, 0, 2, 1, 0, 1, 2), 1, 1, 10, 9, 16, 8, 2, 3),
            new Problem(Window.of(1, 1), 2, 1, 6, 5, 64, 80, 3, 3),
            new Problem(Window.of(2, 1), 3, 1, 7, 7, 96, 48, 3, 3));

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void everyCandidateIsRight(DType dtype) {
        for (Problem p : PROBLEMS) {
            for (Sample sample : List.of(p.forward(), p.backwardData(), p.backwardWeight())) {
                Set<String> seen = new TreeSet<>(TensorCoreProductsTest.onEachCandidate(sample, dtype, false));
                assertTrue(seen.remove("simt"), seen::toString);
                assertEquals(3, seen.stream().map(s -> s.split(" ")[1]).distinct().count(), () -> "each tile: " + seen);
            }
        }
    }
}
