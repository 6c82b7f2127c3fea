package dev.jacquard.tensor.op;

import dev.jacquard.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;

/**
 * An op's entry in the table: what it means in one line, uses that must work, uses that must be refused.
 *
 * @param type the op's record
 * @param summary its meaning as a formula or a line
 * @param samples uses that tests replay
 * @param errors uses that must be refused
 */
public record OpRow(Class<? extends Op> type, String summary, List<Sample> samples, List<ErrorSample> errors) {
    /**
     * A use that must be refused.
     *
     * @param op the op
     * @param types types of the inputs
     * @param message regular expression that the message must contain
     */
    public record ErrorSample(Op op, List<TensorType> types, String message) {}

    /** A row without error samples. */
    public static OpRow of(Class<? extends Op> type, String summary, Sample... samples) {
        return new OpRow(type, summary, List.of(samples), List.of());
    }

    /** This row with one more use that must be refused. */
    public OpRow refuses(Op op, String message, TensorType... types) {
        List<ErrorSample> all = new ArrayList<>(errors);
        all.add(new ErrorSample(op, List.of(types), message));
        return new OpRow(type, summary, samples, List.copyOf(all));
    }
}
