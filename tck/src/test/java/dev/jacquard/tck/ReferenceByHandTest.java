package dev.jacquard.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.BackendProvider;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Normalization;
import dev.jacquard.tensor.op.Pooling;
import dev.jacquard.tensor.op.Random;
import dev.jacquard.tensor.op.Reduction;
import dev.jacquard.tensor.op.Window;
import dev.jacquard.tensor.random.Philox;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The oracle against numbers worked out by hand. */
class ReferenceByHandTest {
    private static final double NAN = Double.NaN;

    private final Scope s = Scope.open(Oracle.reference());

    @AfterEach
    void close() {
        s.close();
    }

    private Tensor tensor(double[] values, long... dims) {
        return s.tensor(TensorType.of(DType.F64, dims), values);
    }

    private static void same(Tensor got, double... want) {
        assertArrayEquals(want, ((EagerTensor) got).doubles());
    }

    @Test
    void convolutionIsACrossCorrelationWithZeroPadding() {
        Tensor x = tensor(new double[] {1, 2, 3, 4, 5, 6, 7, 8, 9}, 1, 3, 3, 1);
        Tensor w = tensor(new double[] {1, 0, 0, 0, 10, 0, 0, 0, 100}, 1, 3, 3, 1);
        // y(h, w) = x(h-1, w-1) + 10 x(h, w) + 100 x(h+1, w+1)
        same(x.conv2d(w, Window.of(1, 1), 1), 510, 620, 30, 840, 951, 62, 70, 84, 95);
        same(x.conv2d(w, Window.of(1, 0), 1), 951);
        same(x.conv2d(w, Window.of(2, 1), 1), 510, 30, 70, 95);
    }

    @Test
    void groupsSeeTheirOwnChannels() {
        Tensor x = tensor(new double[] {1, 2, 3, 4}, 1, 1, 1, 4);
        same(x.conv2d(tensor(new double[] {1, 10, 100, 1000}, 2, 1, 1, 2), Window.of(1, 0), 2), 21, 4300);
        same(x.conv2d(tensor(new double[] {5, 6, 7, 8}, 4, 1, 1, 1), Window.of(1, 0), 4), 5, 12, 21, 32);
    }

    @Test
    void maxPoolGivesTheFirstOfEqualsAndNaN() {
        Tensor x = tensor(new double[] {1, 5, 2, 5, 5, 0, 3, NAN, 4}, 1, 3, 3, 1);
        List<Tensor> y = x.applyAll(new Pooling.MaxPool2d(2, 2, Window.of(1, 0)));
        same(y.get(0), 5, 5, NAN, NAN);
        same(y.get(1), 1, 0, 3, 2);
        same(tensor(new double[] {-3}, 1, 1, 1, 1).maxPool2d(3, 3, Window.of(1, 1)), -3); // padding never wins
    }

    @Test
    void averageCountsPaddingOnRequest() {
        Tensor x = tensor(new double[] {1, 2, 3, 4}, 1, 2, 2, 1);
        same(x.apply(new Pooling.AvgPool2d(2, 2, Window.of(2, 1), true)), 0.25, 0.5, 0.75, 1);
        same(x.apply(new Pooling.AvgPool2d(2, 2, Window.of(2, 1), false)), 1, 2, 3, 4);
    }

    @Test
    void batchNormalisation() {
        Tensor x = tensor(new double[] {1, 10, 3, 30}, 2, 2);
        List<Tensor> y = x.applyAll(new Normalization.BatchNorm(0), tensor(new double[] {1, 2}, 2), tensor(new double[] {0, 5}, 2));
        same(y.get(0), -1, 3, 1, 7);
        same(y.get(1), 2, 20);
        same(y.get(2), 1, 100);
    }

    @Test
    void softmaxDoesNotOverflow() {
        same(tensor(new double[] {0, 0, 1000, 1000}, 2, 2).softmax(), 0.5, 0.5, 0.5, 0.5);
        same(tensor(new double[] {1000, -1000}, 2).softmax(), 1, 0);
        same(tensor(new double[] {1000, 1000}, 2).logSoftmax(), -Math.log(2), -Math.log(2));
    }

    @Test
    void reductions() {
        Tensor x = tensor(new double[] {1, 2, 3, 4, 5, 6}, 2, 3);
        same(x.sum(0), 5, 7, 9);
        same(x.sum(-1), 6, 15);
        same(x.sum(), 21);
        same(tensor(new double[0], 0, 2).sum(0), 0, 0);
        same(tensor(new double[] {3, 7, 7, 1}, 4).argmax(0), 1);
        List<Tensor> top = tensor(new double[] {3, 7, 7, 1}, 1, 4).topK(3);
        same(top.get(0), 7, 7, 3);
        same(top.get(1), 1, 2, 0);
        same(tensor(new double[] {1, NAN, 3}, 3).apply(new Reduction.Amax(0)), NAN);
    }

    @Test
    void products() {
        Tensor a = tensor(new double[] {1, 2, 3, 4, 5, 6}, 2, 3);
        Tensor b = tensor(new double[] {1, 0, 0, 1, 1, 1}, 3, 2);
        same(a.matmul(b), 4, 5, 10, 11);
        same(a.matmul(tensor(new double[] {1, 0, 1, 0, 1, 1}, 2, 3), true), 4, 5, 10, 11);
    }

    @Test
    void movement() {
        Tensor x = tensor(new double[] {1, 2, 3, 4, 5, 6}, 2, 3);
        same(x.transpose(1, 0), 1, 4, 2, 5, 3, 6);
        same(x.transpose(1, 0).reshape(6), 1, 4, 2, 5, 3, 6);
        same(x.slice(1, 1, 3).apply(new Movement.Pad(1, 0, 1)), 2, 3, 0, 5, 6, 0);
        same(x.concat(1, tensor(new double[] {8, 9}, 2, 1)), 1, 2, 3, 8, 4, 5, 6, 9);
        same(tensor(new double[] {1, 3}, 2).cast(DType.I32).oneHot(3), 0, 1, 0, 0, 0, 0); // 3 is no class: a row of zeros
        same(tensor(new double[] {2.9, -2.9, 300, NAN}, 4).cast(DType.U8), 2, 0, 255, 0);
        same(tensor(new double[] {1 + 0x1p-11, 1 + 3 * 0x1p-11}, 2).cast(DType.F16), 1, 1 + 4 * 0x1p-11); // ties to even
    }

    @Test
    void randomNumbersAreCountedExactly() {
        long seed = (1L << 62) + 1; // not a double
        Tensor counter = s.apply(new dev.jacquard.tensor.op.Leaf.Literal(TensorType.of(DType.I64, 2), List.of(7.0, 3.0)), List.of()).getFirst();
        double[] u = ((EagerTensor) counter.apply(new Random.Uniform(dev.jacquard.tensor.Shape.of(6), 2))).doubles();
        for (int i = 0; i < 6; i++) {
            assertEquals(Philox.uniform(Philox.word(7, 2, 3, i)), u[i]);
        }
        dev.jacquard.tck.reference.Array exact = new dev.jacquard.tck.reference.Array(TensorType.of(DType.I64, 2), new double[] {seed, 0}, seed, 0);
        assertEquals(Philox.uniform(Philox.word(seed, 0, 0, 0)),
                dev.jacquard.tck.reference.ReferenceBackend.compute(new Random.Uniform(dev.jacquard.tensor.Shape.scalar(), 0), List.of(exact)).getFirst()[0]);
    }

    @Test
    void theReferenceIsFoundByNameAndPreferredLast() {
        assertEquals("reference", Backends.open("reference", 0).name());
        List<BackendProvider> all = Backends.providers();
        assertEquals("reference", all.getLast().name());
        assertTrue(all.stream().filter(p -> p.name().equals("reference")).allMatch(p -> p.rank() == Integer.MIN_VALUE));
    }
}
