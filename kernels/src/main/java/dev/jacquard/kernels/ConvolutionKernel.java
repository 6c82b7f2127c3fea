package dev.jacquard.kernels;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Convolution;
import java.util.ArrayList;
import java.util.List;

/** The three passes of convolution: a plain product where the kernel is 1x1, the depthwise kernels, the implicit product. */
record ConvolutionKernel() implements ChoosingKernel<Convolution> {
    @Override
    public List<Candidate> candidates(Convolution op, List<TensorType> in, Target target) {
        ConvolutionPass pass = ConvolutionPass.ofTypes(op, in);
        Product product = pass.product();
        if (product != null) {
            boolean swapped = pass.kind() == ConvolutionPass.Kind.BACKWARD_WEIGHT;
            return product.candidates(in.getFirst().dtype(), target, swapped ? 1 : 0, swapped ? 0 : 1);
        }
        if (DepthwisePass.takes(pass)) {
            DepthwisePass depthwise = new DepthwisePass(pass);
            return List.of(Candidate.of("depthwise", depthwise.workspace(), depthwise::bind));
        }
        List<Candidate> all = new ArrayList<>(List.of(Candidate.of("simt", pass.split().workspace(pass.results()), pass::bind)));
        HopperProduct.offer(all, pass, in.getFirst().dtype(), target);
        return all;
    }
}
