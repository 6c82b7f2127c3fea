package dev.jacquard.kernels;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionStatistics;
import java.util.List;

/** A convolution with the mean and variance of its channels, where it is a plain product: on tensor cores, else by its definition. */
record ConvolutionStatisticsKernel() implements ChoosingKernel<ConvolutionStatistics> {
    @Override
    public List<Candidate> candidates(ConvolutionStatistics op, List<TensorType> in, Target target) {
        Product product = ConvolutionPass.ofTypes(op.product(), in).product();
        return product == null ? List.of() : product.candidates(in.getFirst().dtype(), target, 0, 1, Epilogue.STATISTICS);
    }

    @Override
    public boolean takes(ConvolutionStatistics op, List<TensorType> in, Device device) {
        return takes(op, in) && in.stream().allMatch(t -> t.shape().size() > 0) && !candidates(op, in, device.choices().target()).isEmpty();
    }
}
