package dev.jacquard.cpu.simd;

import dev.jacquard.cpu.PointwiseLoop;
import dev.jacquard.tensor.op.Pointwise;
import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.util.LinkedHashMap;
import java.util.Map;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The vector form of every pointwise op, a row each. There is one loop per arity; every row gets its own copy of that loop's class, so that the function is a
 * constant in it and the compiler makes a loop for this op alone. (A loop shared by several functions would box a vector for every call.)
 */
final class PointwiseTable {
    /** A function of one vector. */
    interface One {
        FloatVector apply(FloatVector x);
    }

    /** A function of two vectors. */
    interface Two {
        FloatVector apply(FloatVector x, FloatVector y);
    }

    /** A function of three vectors. */
    interface Three {
        FloatVector apply(FloatVector x, FloatVector y, FloatVector z);
    }

    private static final Map<Class<? extends Pointwise>, PointwiseLoop> ROWS = new LinkedHashMap<>();

    static {
        row(Pointwise.Exp.class, VectorMath::exp);
        row(Pointwise.Log.class, VectorMath::log);
        row(Pointwise.Sqrt.class, FloatVector::sqrt);
        row(Pointwise.Rsqrt.class, x -> one().div(x.sqrt()));
        row(Pointwise.Abs.class, FloatVector::abs);
        row(Pointwise.Relu.class, x -> x.max(0f));
        row(Pointwise.Sigmoid.class, VectorMath::sigmoid);
        row(Pointwise.Tanh.class, VectorMath::tanh);
        row(Pointwise.Silu.class, x -> x.mul(VectorMath.sigmoid(x)));
        row(Pointwise.Hardswish.class, x -> x.mul(x.add(3f).max(0f).min(6f)).mul(1 / 6f));
        row(Pointwise.RoundTf32.class, x -> x.blend(x.reinterpretAsInts().add(1 << 12).and(-(1 << 13)).reinterpretAsFloats(), x.test(VectorOperators.IS_FINITE)));

        row(Pointwise.Add.class, (x, y) -> x.add(y));
        row(Pointwise.Sub.class, (x, y) -> x.sub(y));
        row(Pointwise.Mul.class, (x, y) -> x.mul(y));
        row(Pointwise.Div.class, (x, y) -> x.div(y));
        row(Pointwise.Max.class, (x, y) -> x.max(y));
        row(Pointwise.Min.class, (x, y) -> x.min(y));
        row(Pointwise.Greater.class, (x, y) -> zero().blend(1f, x.compare(VectorOperators.GT, y)));
        row(Pointwise.Equal.class, (x, y) -> zero().blend(1f, x.compare(VectorOperators.EQ, y)));
        row(Pointwise.ReluBackward.class, (dy, y) -> zero().blend(dy, y.compare(VectorOperators.GT, 0f)));
        row(Pointwise.SigmoidBackward.class, (dy, y) -> dy.mul(y).mul(one().sub(y)));
        row(Pointwise.SiluBackward.class, (dy, x) -> dy.mul(VectorMath.siluSlope(x)));

        row(Pointwise.MulAdd.class, (x, a, b) -> x.fma(a, b));
        row(Pointwise.Select.class, (c, a, b) -> b.blend(a, c.compare(VectorOperators.NE, 0f)));
    }

    static final PointwiseLoop ADD = of(new Pointwise.Add());

    private PointwiseTable() {}

    /** The loop of an op; null if it has no row. */
    static PointwiseLoop of(Pointwise op) {
        return op instanceof Pointwise.Affine a ? AffineLoop.of(a) : ROWS.get(op.getClass());
    }

    private static FloatVector zero() {
        return FloatVector.zero(Species.F);
    }

    private static FloatVector one() {
        return FloatVector.broadcast(Species.F, 1f);
    }

    private static void row(Class<? extends Pointwise.Unary> op, One f) {
        ROWS.put(op, specialise(UnaryLoop.class, f));
    }

    private static void row(Class<? extends Pointwise.Binary> op, Two f) {
        ROWS.put(op, specialise(BinaryLoop.class, f));
    }

    private static void row(Class<? extends Pointwise.Ternary> op, Three f) {
        ROWS.put(op, specialise(TernaryLoop.class, f));
    }

    /** The function that a copy of a loop's class was made with. */
    static <T> T function(MethodHandles.Lookup copy, Class<T> type) {
        try {
            return MethodHandles.classData(copy, "_", type);
        } catch (IllegalAccessException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** A copy of a loop's class in which the function is a constant. */
    private static PointwiseLoop specialise(Class<? extends PointwiseLoop> loop, Object function) {
        try (InputStream in = loop.getResourceAsStream(loop.getSimpleName() + ".class")) {
            Class<?> copy = MethodHandles.lookup().defineHiddenClassWithClassData(in.readAllBytes(), function, true).lookupClass();
            return (PointwiseLoop) copy.getDeclaredConstructor().newInstance();
        } catch (IOException | ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
