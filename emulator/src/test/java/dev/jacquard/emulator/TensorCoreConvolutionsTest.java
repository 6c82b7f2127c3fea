package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.MatrixOptions;
import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tck.Variant;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.Nonlinearity;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
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

        Sample followed(Nonlinearity activation, boolean residual) {
            List<Operand> in = new ArrayList<>(List.of(x(), weights(), Operand.range(0.5, 1.5, k), Operand.of(k)));
            if (residual) {
                in.add(y());
            }
            return new Sample(new ConvolutionScaleShift(window, groups, activation, residual), in);
        }

        private Operand x() {
            return Operand.of(n, h, w, c);
        }

        private Operand weights() {
            return Operand.range(-0.25, 0.25, k, r, s, c / groups);
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

    /** The i-th takes the i-th candidate of whatever it is given, or the last. */
    private final List<Backend> backends = new ArrayList<>();
    private final Set<String> taken = new TreeSet<>();
    private int candidates;

    @AfterEach
    void close() {
        backends.forEach(Backend::close);
    }

    private Backend taking(int candidate) {
        while (backends.size() <= candidate) {
            int i = backends.size();
            backends.add(new CudaBackend("emulator", new EmulatorDriver(), false, new MatrixOptions(true, (op, in, names) -> {
                candidates = names.size();
                taken.add(names.get(Math.min(i, names.size() - 1)));
                return Math.min(i, names.size() - 1);
            })));
        }
        return backends.get(candidate);
    }

    /** @return names of the candidates that a sample was checked on */
    private Set<String> onEach(Sample sample, DType dtype) {
        taken.clear();
        candidates = 1;
        for (int i = 0; i < candidates; i++) {
            OpCheck.forward(taking(i), sample, dtype, Variant.CONTIGUOUS, i, Tolerance::tf32);
        }
        return new TreeSet<>(taken);
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "F32"})
    void everyCandidateIsRight(DType dtype) {
        for (Problem p : PROBLEMS) {
            for (Sample sample : List.of(p.forward(), p.backwardData(), p.backwardWeight())) {
                Set<String> seen = onEach(sample, dtype);
                assertTrue(seen.remove("simt"), seen::toString);
                assertEquals(Set.of("128x128", "128x64", "64x64"), Set.copyOf(seen.stream().map(s -> s.split(" ")[1]).distinct().toList()), () -> sample + ": " + seen);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "F32"})
    void whatFollowsIsRight(DType dtype) {
        assertEquals(3, onEach(PROBLEMS.get(0).followed(Nonlinearity.RELU, true), dtype).stream().filter(s -> s.startsWith("mma") && !s.contains("split")).count());
        onEach(PROBLEMS.get(7).followed(Nonlinearity.SILU, true), dtype);
        onEach(new Problem(Window.of(1, 1), 1, 1, 3, 3, 64, 8, 3, 3).followed(Nonlinearity.NONE, false), dtype);
    }
}
