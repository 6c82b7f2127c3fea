package dev.jacquard.cpu;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Prepacking;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.op.Cost;
import dev.jacquard.tensor.op.Op;
import java.util.ArrayList;
import java.util.List;

/**
 * A product whose weights, its second input, were packed by {@link Weights}. Equal to the product bit by bit.
 *
 * @param product what it computes
 * @param weight type of the weights before they were packed
 */
record PackedProduct(Op product, TensorType weight) implements Op {
    /**
     * Brings a product's weights into the order in which its kernel reads them.
     *
     * @param product whose weights they are
     * @param inputs types of all of its inputs: the order depends on the shapes
     * @param floats size of the result
     */
    record Weights(Op product, List<TensorType> inputs, long floats) implements Prepacking.Pack {
        @Override
        public String name() {
            return "pack_weights";
        }

        @Override
        public List<TensorType> infer(List<TensorType> in) {
            return List.of(TensorType.of(DType.F32, floats));
        }
    }

    /** The types that the product itself takes. */
    List<TensorType> plain(List<TensorType> in) {
        List<TensorType> all = new ArrayList<>(in);
        all.set(1, weight);
        return List.copyOf(all);
    }

    @Override
    public String name() {
        return "packed_" + product.name();
    }

    @Override
    public List<TensorType> infer(List<TensorType> in) {
        return product.infer(plain(in));
    }

    @Override
    public Cost cost(List<TensorType> in, List<TensorType> out) {
        return product.cost(plain(in), out);
    }

    @Override
    public Accuracy accuracy(List<TensorType> in) {
        return product.accuracy(plain(in));
    }
}
