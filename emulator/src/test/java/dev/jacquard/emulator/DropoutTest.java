package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.op.Random;
import dev.jacquard.tensor.op.Random.Dropout;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The fused kernels of dropout draw what the ops that define it draw, to the bit, wherever a thread's elements begin and end. */
class DropoutTest {
    private static double[] values(Tensor t) {
        return ((EagerTensor) t).doubles();
    }

    private static Tensor counter(Scope scope) {
        return scope.tensor(TensorType.of(DType.I64, 2), 0x1234_5678_9abcL, (1L << 40) + 3);
    }

    private static void check(Scope scope, Dropout op, long... dims) {
        TensorType type = TensorType.f32(dims);
        Tensor x = scope.tensor(type, IntStream.range(1, 1 + (int) type.shape().size()).mapToDouble(i -> i / 8.0).toArray());
        Tensor counter = counter(scope);
        double[] fused = values(x.apply(op, counter));
        assertArrayEquals(values(op.define(List.of(x, counter)).getFirst()), fused, op + " of " + type);
        long kept = IntStream.range(0, fused.length).filter(i -> fused[i] != 0).count();
        if (op.fate() == Dropout.Fate.ELEMENT) {
            assertEquals(op.survival(), (double) kept / fused.length, 4 * Math.sqrt(0.25 / fused.length), "4 deviations");
        }
    }

    @Test
    void fusedIsTheDefinition() {
        try (Backend backend = new CudaBackend("emulator", new EmulatorDriver(), false); Scope scope = Scope.open(backend)) {
            check(scope, new Dropout(0.8, Dropout.Fate.ELEMENT, 3), 5, 7, 33);
            check(scope, new Dropout(0.3, Dropout.Fate.ELEMENT, 0), 4096);
            check(scope, new Dropout(0.5, Dropout.Fate.SAMPLE, 1), 21, 6, 16);
            check(scope, new Dropout(0.5, Dropout.Fate.SAMPLE, 1), 21, 3, 5);
            check(scope, new Dropout(0.5, Dropout.Fate.SAMPLE, 2), 3, 40, 33);
            check(scope, new Dropout(0.9, Dropout.Fate.BATCH, 7), 3, 40, 33);
        }
    }

    /** The kernel compares integers, the definition floats: survivals that are one of the numbers, and the floats beside it. */
    @Test
    void numbersAtTheThresholdFallAsInTheDefinition() {
        try (Backend backend = new CudaBackend("emulator", new EmulatorDriver(), false); Scope scope = Scope.open(backend)) {
            double[] numbers = values(counter(scope).apply(new Random.Uniform(Shape.of(64), 5)));
            for (int i = 0; i < 8; i++) {
                float number = (float) numbers[i];
                for (float survival : new float[] {Math.nextDown(number), number, Math.nextUp(number)}) {
                    check(scope, new Dropout(survival, Dropout.Fate.ELEMENT, 5), 64);
                }
            }
            check(scope, new Dropout(1, Dropout.Fate.ELEMENT, 5), 64);
            check(scope, new Dropout(0x1p-20, Dropout.Fate.SAMPLE, 5), 64);
        }
    }
}
