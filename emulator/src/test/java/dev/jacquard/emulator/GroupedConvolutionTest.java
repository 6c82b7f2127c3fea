package dev.jacquard.emulator;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.MatrixOptions;
import dev.jacquard.tck.OpCheck;
import dev.jacquard.tck.Variant;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardData;
import dev.jacquard.tensor.op.Convolution.Conv2dBackwardWeight;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Grouped 3x3 convolutions on tensor cores: all passes against the reference. */
class GroupedConvolutionTest {
    private static final List<String> CHOSEN = new ArrayList<>();
    private static final Backend CUDA = new CudaBackend("emulator", new EmulatorDriver(), false, new MatrixOptions(false, (op, in, names) -> {
        CHOSEN.add(names.getFirst());
        return 0;
    }));

    @AfterAll
    static void close() {
        CUDA.close();
    }

    private static Sample sample(String pass, Window window, long n, long h, long w, long c, long g) {
        int groups = (int) (c / g);
        Operand x = Operand.of(n, h, w, c);
        Operand weights = Operand.of(c, 3, 3, g);
        Operand y = Operand.of(n, window.outH(h, 3), window.outW(w, 3), c);
        return switch (pass) {
            case "forward" -> Sample.of(new Conv2d(window, groups), x, weights);
            case "data" -> Sample.of(new Conv2dBackwardData(window, groups, h, w), y, weights);
            default -> Sample.of(new Conv2dBackwardWeight(window, groups, 3, 3), x, y);
        };
    }

    @ParameterizedTest
    @CsvSource({"1, 7, 7, 32, 4", "3, 5, 9, 32, 8", "2, 7, 7, 64, 16", "3, 4, 14, 32, 32", "1, 9, 5, 64, 4", "1, 3, 70, 32, 8", "2, 6, 30, 32, 16", "9, 2, 8, 32, 32"})
    void everyPassIsRight(long n, long h, long w, long c, long g) {
        for (int stride = 1; stride <= 2; stride++) {
            for (String pass : List.of("forward", "data", "weight")) {
                OpCheck.forward(CUDA, sample(pass, Window.of(stride, 1), n, h, w, c, g), g % 3 == 1 ? DType.F16 : DType.BF16, Variant.CONTIGUOUS, 1);
            }
        }
    }
}
