package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.FusedProduct.ConvolutionScaleShift;
import dev.jacquard.tensor.op.QuantizedProduct.QuantizedConv2d;
import java.util.ArrayList;
import java.util.List;

/** The three passes of convolution: a plain product where the kernel is 1x1, the depthwise kernels, the implicit product on tensor cores or on the CUDA cores. */
record ConvolutionKernel() implements ChoosingKernel<Convolution> {
    @Override
    public List<Candidate> candidates(Convolution op, List<TensorType> in, Target target) {
        ConvolutionPass pass = ConvolutionPass.ofTypes(op, in);
        if (pass.product() == null && DepthwisePass.takes(pass)) {
            DepthwisePass depthwise = new DepthwisePass(pass);
            return List.of(Candidate.of("depthwise", depthwise.workspace(), depthwise::bind));
        }
        return candidates(pass, in.getFirst().dtype(), target, Epilogue.NONE);
    }

    /** Of a pass that is not depthwise, with what follows a forward one. Statistics come from the kernels on tensor cores alone: there may be no way. */
    static List<Candidate> candidates(ConvolutionPass pass, DType dtype, Target target, Epilogue epilogue) {
        Product product = pass.product();
        if (product != null) {
            boolean swapped = pass.kind() == ConvolutionPass.Kind.BACKWARD_WEIGHT;
            return product.candidates(dtype, target, swapped ? 1 : 0, swapped ? 0 : 1, epilogue);
        }
        List<Candidate> all = new ArrayList<>(TensorConvolution.candidates(pass, dtype, target, epilogue));
        all.addAll(StemConvolution.candidates(pass, dtype, target, epilogue));
        if (!epilogue.statistics()) {
            all.add(pass.simt(epilogue));
        }
        return List.copyOf(all);
    }

    /** Convolution with scale, shift, residual and activation. Depthwise ones have no kernel for a residual, which no network gives them. */
    record ScaleShift() implements ChoosingKernel<ConvolutionScaleShift> {
        private static final int SCALE = 2;
        private static final int SHIFT = 3;
        private static final int RESIDUAL = 4;

        @Override
        public List<Candidate> candidates(ConvolutionScaleShift op, List<TensorType> in, Target target) {
            ConvolutionPass pass = pass(op, in);
            if (DepthwisePass.takes(pass)) {
                return List.of(Candidate.of("depthwise", 0, call -> new DepthwisePass(pass).bindScaleShift(call, op.activation())));
            }
            Epilogue epilogue = new Epilogue(SCALE, SHIFT, op.residual() ? RESIDUAL : Epilogue.ABSENT, op.residual() ? 1 : 0, op.activation());
            return ConvolutionKernel.candidates(pass, in.getFirst().dtype(), target, epilogue);
        }

        @Override
        public boolean takes(ConvolutionScaleShift op, List<TensorType> in) {
            return ChoosingKernel.super.takes(op, in) && in.stream().allMatch(t -> t.shape().size() > 0) && !(op.residual() && DepthwisePass.takes(pass(op, in)));
        }

        private static ConvolutionPass pass(ConvolutionScaleShift op, List<TensorType> in) {
            return ConvolutionPass.ofTypes(op.product(), in);
        }
    }

    /** Convolution of bytes, with scales. */
    record Quantized() implements ChoosingKernel<QuantizedConv2d> {
        @Override
        public List<Candidate> candidates(QuantizedConv2d op, List<TensorType> in, Target target) {
            Epilogue epilogue = new Epilogue(2, 3, op.residual() ? 4 : Epilogue.ABSENT, op.residualScale(), op.activation());
            return ByteConvolution.candidates(ConvolutionPass.ofTypes(op.product(), in.subList(0, 2)), target, epilogue);
        }

        @Override
        public boolean takes(QuantizedConv2d op, List<TensorType> in, Device device) {
            boolean some = in.stream().allMatch(t -> t.shape().size() > 0);
            return some && in.get(2).dtype() == DType.F32 && !candidates(op, in, device.choices().target()).isEmpty();
        }
    }
}
