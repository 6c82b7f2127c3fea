package dev.jacquard.tck;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.Accuracy;

/**
 * How far a result may be from the exact one: {@code relative * |want| + absolute * scale}. The only table of tolerances there is; tests hold no literals.
 *
 * <p>Units are the unit roundoff u of the type that is computed in (2^-24 for F32 and for the half types, whose arithmetic is F32; 2^-53 for F64, where the
 * oracle itself is no better, hence the factor 64). A half type adds the one rounding of its store, u of the half type, with half of that again for results
 * that lie near the middle between two of its numbers.
 *
 * <ul>
 * <li>EXACT: nothing.
 * <li>ELEMENTWISE: 16 u relative, which is what exp, tanh and a few operations after them need; 4 u absolute, for formulas that cancel (x sigmoid'(x) + ..) and
 *     for subnormals that are flushed.
 * <li>REDUCE and MATMUL over n: the same, and 16 u sqrt(n) absolute: the rounding errors of a sum of n terms of size 1 are a random walk; measured plain
 *     sequential sums stay below half of it up to n = 4096, blocked ones far below. Samples are in [-1, 1];
 *     where operands are larger, or terms repeat and do not cancel, {@code scale} says how much.
 * </ul>
 *
 * @param name the row, for messages
 * @param relative factor of the wanted value's magnitude
 * @param absolute factor of the scale
 */
public record Tolerance(String name, double relative, double absolute) {
    private static final double F32_ROUNDOFF = 0x1p-24;
    private static final double F64_ROUNDOFF = 0x1p-53 * 64;
    /** How far a product of operands up to 1 is moved at most when both are rounded to TF32. */
    private static final double TF32_PRODUCT = 0x1p-11;

    /** The row for results of an element type by an op of a class of accuracy. */
    public static Tolerance of(DType dtype, Accuracy accuracy) {
        String name = accuracy.kind() + "(" + (accuracy.length() > 1 ? "n=" + accuracy.length() + ", " : "") + dtype + ")";
        if (accuracy.kind() == Accuracy.Kind.EXACT || !dtype.isFloating()) {
            return new Tolerance(name, 0, 0);
        }
        double u = dtype == DType.F64 ? F64_ROUNDOFF : F32_ROUNDOFF;
        double relative = 16 * u + 1.5 * store(dtype);
        return switch (accuracy.kind()) {
            case EXACT -> throw new AssertionError();
            case ELEMENTWISE -> new Tolerance(name, relative, 4 * u);
            case REDUCE, MATMUL -> new Tolerance(name, relative, 16 * u * Math.sqrt(accuracy.length()));
        };
    }

    /**
     * The row where what is wanted was rounded when it was stored, too: two sums that differ in their last bits of F32 may lie on both sides of a tie between two halves, which are
     * then a whole unit apart.
     *
     * @param table a row of it
     */
    public static Table ofStored(Table table) {
        return (dtype, accuracy) -> {
            Tolerance t = table.row(dtype, accuracy);
            return t.relative == 0 ? t : new Tolerance(t.name, t.relative + 0.5 * store(dtype), t.absolute);
        };
    }

    /** Which row of the table is for which result. */
    @FunctionalInterface
    public interface Table {
        /** The row for results of an element type by an op of a class of accuracy. */
        Tolerance row(DType dtype, Accuracy accuracy);
    }

    /**
     * The row where products of F32 operands may round them to TF32 first, to nearest with 10 bits of mantissa ({@link Tf32#round}), and add up in F32; {@link #of} for everything
     * else.
     *
     * <p>Rounding moves an operand of size up to 1 by 2^-12 at most, and so a product by t = 2^-11. Errors of different terms are independent, a random walk:
     * {@code 1.25 t sqrt(n)} is added to the absolute part. Measured on uniform operands, 10^4 to 10^5 sums of each of n = 1 to 4096 terms: at most 1.13 t sqrt(n), for n = 2, and
     * 0.9 from n = 16 on. A kernel that truncates instead, which is what the tensor cores do of themselves, shrinks every product; that is 1.7 to 2.4 t sqrt(n) for the worst of as
     * many sums, and too much for one in 150.
     */
    public static Tolerance tf32(DType dtype, Accuracy accuracy) {
        Tolerance f32 = of(dtype, accuracy);
        if (dtype != DType.F32 || accuracy.kind() != Accuracy.Kind.MATMUL) {
            return f32;
        }
        return new Tolerance(f32.name.replace(dtype.toString(), "tf32"), f32.relative, f32.absolute + 1.25 * TF32_PRODUCT * Math.sqrt(accuracy.length()));
    }

    /** Roundoff of the store where that is coarser than the arithmetic. */
    private static double store(DType dtype) {
        return switch (dtype) {
            case F16 -> 0x1p-11;
            case BF16 -> 0x1p-8;
            default -> 0;
        };
    }

    /**
     * For central differences in double with step {@link #STEP}: their own error is about STEP^2 f''' / 6 from the series and u |f| / STEP from rounding, both
     * near 1e-10 for functions of size 1. Wrong formulas are off by far more than 1e-5.
     */
    public static Tolerance gradient() {
        return new Tolerance("GRADIENT(f64)", 1e-5, 1e-6);
    }

    /** Step of central differences: near the cube root of the roundoff, where their two errors are equal. */
    public static final double STEP = 1e-5;

    /** The allowed error at a wanted value. @param scale magnitude of what was summed, 1 for samples */
    public double at(double want, double scale) {
        return relative * Math.abs(want) + absolute * scale;
    }
}
