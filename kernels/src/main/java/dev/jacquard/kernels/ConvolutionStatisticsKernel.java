package dev.jacquard.kernels;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionStatistics;
import java.util.List;

/** A convolution with the mean and variance of its channels: on tensor cores, else by its definition. */
record ConvolutionStatisticsKernel() implements ChoosingKernel<ConvolutionStatistics> {
    @Override
    public List<Candidate> candidates(ConvolutionStatistics op, List<TensorType> in, Target target) {
        return ConvolutionKernel.candidates(ConvolutionPass.ofTypes(op.product(), in), in.getFirst().dtype(), target, Epilogue.STATISTICS);
    }

    @Override
    public boolean takes(ConvolutionStatistics op, List<TensorType> in, Device device) {
        return takes(op, in) && in.stream().allMatch(t -> t.shape().size() > 0) && !candidates(op, in, device.choices().target()).isEmpty();
    }
}
