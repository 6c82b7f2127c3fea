package dev.jacquard.tensor.op;

import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.TensorType;
import java.util.List;
import java.util.Optional;

/** An op of one input that moves no bytes: its output is another layout of the input's storage. No backend has a kernel for it. */
public interface ViewOp extends Op {
    /** The output's layout over the input's storage; empty if the input must be made contiguous first. */
    Optional<Layout> view(Layout in);

    @Override
    default List<TensorType> infer(List<TensorType> in) {
        Types.count(this, in, 1);
        TensorType x = in.getFirst();
        return List.of(x.withShape(view(Layout.contiguous(x.shape())).orElseThrow().shape()));
    }

    @Override
    default Cost cost(List<TensorType> in, List<TensorType> out) {
        return Cost.FREE;
    }

    @Override
    default Accuracy accuracy(List<TensorType> in) {
        return Accuracy.exact();
    }
}
