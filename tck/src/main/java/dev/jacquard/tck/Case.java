package dev.jacquard.tck;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Elements;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A sample in one element type, under one layout, for one backend: what a test runs, and its name.
 *
 * @param backend the backend's name
 * @param sample the op and its operands, in the element type under test
 * @param dtype the floating type under test
 * @param what the layout, or the kind of check
 * @param seed all values are a function of it
 */
public record Case(String backend, Sample sample, DType dtype, String what, long seed) {
    /** Seed of a run: {@code -Dseed=}, by default always the same. */
    public static long seedOfRun() {
        return Long.getLong("seed", 20260417L);
    }

    /** The operands' values as the operands' types hold them. */
    public List<double[]> values() {
        return values(sample, seed);
    }

    static List<double[]> values(Sample sample, long seed) {
        return IntStream.range(0, sample.operands().size()).mapToObj(i -> {
            Operand o = sample.operands().get(i);
            return rounded(o.type(), o.materialize(seed, i));
        }).toList();
    }

    static double[] rounded(TensorType type, double[] values) {
        return Arrays.stream(values).map(v -> Elements.round(type.dtype(), v)).toArray();
    }

    /** The name, which is also what {@code -Dcase=} selects by. */
    @Override
    public String toString() {
        return backend + " " + sample + " " + dtype + " " + what;
    }

    /** How to run this case alone. */
    public String rerun() {
        return rerun(backend, toString(), seed);
    }

    /** How to run a case of a name alone: a backend's tests are in the module of its name, the reference's in this one. */
    static String rerun(String backend, String name, long seed) {
        return "./mvnw -pl " + (backend.equals("reference") ? "tck" : backend) + " -am test -Dcase='" + name + "' -Dseed=" + seed;
    }

    /** The failure of this case. */
    public AssertionError failure(String problem) {
        return new AssertionError(this + ": FAIL\n  " + problem + "\n  rerun: " + rerun());
    }

    /** Whether {@code -Dcase=} selects a name: a part of it, or a pattern in which * stands for anything. */
    public static boolean selected(String name) {
        return selected(name, System.getProperty("case", ""));
    }

    /** Whether a text selects a name: a part of it, or a pattern in which * stands for anything. */
    public static boolean selected(String name, String pattern) {
        if (name.contains(pattern)) {
            return true;
        }
        String regex = Arrays.stream(pattern.split("\\*", -1)).map(java.util.regex.Pattern::quote).collect(java.util.stream.Collectors.joining(".*"));
        return pattern.contains("*") && name.matches(".*" + regex + ".*");
    }
}
