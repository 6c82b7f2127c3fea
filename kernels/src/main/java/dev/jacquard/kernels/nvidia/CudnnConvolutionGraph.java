package dev.jacquard.kernels.nvidia;

import static jcuda.jcudnn.cudnnBackendAttributeType.CUDNN_TYPE_BACKEND_DESCRIPTOR;
import static jcuda.jcudnn.cudnnBackendAttributeType.CUDNN_TYPE_DATA_TYPE;
import static jcuda.jcudnn.cudnnBackendAttributeType.CUDNN_TYPE_INT64;

import dev.jacquard.kernels.driver.ConvolutionProblem;
import dev.jacquard.kernels.driver.Epilogue;
import dev.jacquard.tensor.op.Window;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.stream.LongStream;
import jcuda.jcudnn.cudnnBackendAttributeName;
import jcuda.jcudnn.cudnnBackendAttributeType;
import jcuda.jcudnn.cudnnBackendDescriptorType;
import jcuda.jcudnn.cudnnConvolutionMode;
import jcuda.jcudnn.cudnnDataType;
import jcuda.jcudnn.cudnnPointwiseMode;

/**
 * A convolution's pass as cuDNN's graph: one operation, and one for each step of the epilogue behind it, with tensors between them that are nowhere in memory. cuDNN names extents
 * in the order N, C, H, W (weights K, C, R, S) whatever the order in memory, which the strides say; channels of a group come from the weights' C.
 */
final class CudnnConvolutionGraph {
    // Names of the tensors for the variant pack.
    private static final long FIRST = 1;
    private static final long SECOND = 2;
    private static final long RESULT = 3;
    private static final long SCALE = 4;
    private static final long BIAS = 5;
    private static final long RESIDUAL = 6;
    private static final long VIRTUAL = 7;

    /** Bytes that every operand's address is a multiple of. */
    private static final long ALIGNMENT = 16;

    private final CudnnDescriptors descriptors;
    private final long handle;
    private final ConvolutionProblem p;

    CudnnConvolutionGraph(CudnnDescriptors descriptors, long handle, ConvolutionProblem p) {
        this.descriptors = descriptors;
        this.handle = handle;
        this.p = p;
    }

    /** The tensors of a variant pack: both operands, the result, what the epilogue takes. */
    static long[] ids(ConvolutionProblem p) {
        Epilogue e = p.epilogue();
        return LongStream.of(FIRST, SECOND, RESULT, e.scale() ? SCALE : 0, e.bias() ? BIAS : 0, e.residual() ? RESIDUAL : 0).filter(id -> id != 0).toArray();
    }

    /** What follows the convolution. @param mode of cuDNN @param operand the second one; null without */
    private record Step(int mode, LongSupplier operand) {}

    private List<Step> steps() {
        Epilogue e = p.epilogue();
        List<Step> steps = new ArrayList<>();
        if (e.scale()) {
            steps.add(new Step(cudnnPointwiseMode.CUDNN_POINTWISE_MUL, () -> perChannel(SCALE)));
        }
        if (e.bias()) {
            steps.add(new Step(cudnnPointwiseMode.CUDNN_POINTWISE_ADD, () -> perChannel(BIAS)));
        }
        if (e.residual()) {
            steps.add(new Step(cudnnPointwiseMode.CUDNN_POINTWISE_ADD, () -> y(RESIDUAL, false)));
        }
        switch (e.activation()) {
            case NONE -> { }
            case RELU -> steps.add(new Step(cudnnPointwiseMode.CUDNN_POINTWISE_RELU_FWD, null));
            case SILU -> steps.add(new Step(cudnnPointwiseMode.CUDNN_POINTWISE_SWISH_FWD, null));
        }
        return steps;
    }

    /** The finished graph. @throws dev.jacquard.kernels.driver.DriverException of kind LIBRARY if cuDNN does not take it */
    long make() {
        List<Step> steps = steps();
        long[] all = new long[1 + steps.size()];
        long value = outcome(steps.isEmpty() ? RESULT : VIRTUAL, !steps.isEmpty());
        all[0] = convolution(value);
        for (int i = 0; i < steps.size(); i++) {
            boolean last = i == steps.size() - 1;
            Step step = steps.get(i);
            long operand = step.operand == null ? 0 : step.operand.getAsLong();
            long next = outcome(last ? RESULT : VIRTUAL + 1 + i, !last);
            all[1 + i] = pointwise(step.mode, value, operand, next);
            value = next;
        }
        long graph = descriptors.create(cudnnBackendDescriptorType.CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
        descriptors.set(graph, cudnnBackendAttributeName.CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, all);
        descriptors.set(graph, cudnnBackendAttributeName.CUDNN_ATTR_OPERATIONGRAPH_HANDLE, cudnnBackendAttributeType.CUDNN_TYPE_HANDLE, handle);
        descriptors.finish(graph);
        return graph;
    }

    private long convolution(long result) {
        Window w = p.window();
        long made = descriptors.create(cudnnBackendDescriptorType.CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
        descriptors.setInts(made, cudnnBackendAttributeName.CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, cudnnDataType.CUDNN_DATA_FLOAT);
        descriptors.setInts(made, cudnnBackendAttributeName.CUDNN_ATTR_CONVOLUTION_CONV_MODE, cudnnBackendAttributeType.CUDNN_TYPE_CONVOLUTION_MODE,
                cudnnConvolutionMode.CUDNN_CROSS_CORRELATION);
        descriptors.set(made, cudnnBackendAttributeName.CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 2);
        descriptors.set(made, cudnnBackendAttributeName.CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, w.top(), w.left());
        descriptors.set(made, cudnnBackendAttributeName.CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, w.bottom(), w.right());
        descriptors.set(made, cudnnBackendAttributeName.CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, w.dilationH(), w.dilationW());
        descriptors.set(made, cudnnBackendAttributeName.CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, w.strideH(), w.strideW());
        descriptors.finish(made);
        return switch (p.pass()) {
            case FORWARD -> operation(cudnnBackendDescriptorType.CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                    cudnnBackendAttributeName.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, made,
                    cudnnBackendAttributeName.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x(FIRST), cudnnBackendAttributeName.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                    weights(SECOND), cudnnBackendAttributeName.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, result);
            case BACKWARD_DATA -> operation(cudnnBackendDescriptorType.CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                    cudnnBackendAttributeName.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, made,
                    cudnnBackendAttributeName.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, y(FIRST, false), cudnnBackendAttributeName.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                    weights(SECOND), cudnnBackendAttributeName.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, result);
            case BACKWARD_WEIGHT -> operation(cudnnBackendDescriptorType.CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                    cudnnBackendAttributeName.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, made,
                    cudnnBackendAttributeName.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, x(FIRST), cudnnBackendAttributeName.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                    y(SECOND, false), cudnnBackendAttributeName.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, result);
        };
    }

    /** Of each pass the attributes alpha, beta and convolution follow each other; then come its operands. */
    private long operation(int type, int alpha, long convolution, int first, long a, int second, long b, int third, long out) {
        long made = descriptors.create(type);
        descriptors.setFloat(made, alpha, 1);
        descriptors.setFloat(made, alpha + 1, 0);
        descriptors.set(made, alpha + 2, CUDNN_TYPE_BACKEND_DESCRIPTOR, convolution);
        descriptors.set(made, first, CUDNN_TYPE_BACKEND_DESCRIPTOR, a);
        descriptors.set(made, second, CUDNN_TYPE_BACKEND_DESCRIPTOR, b);
        descriptors.set(made, third, CUDNN_TYPE_BACKEND_DESCRIPTOR, out);
        descriptors.finish(made);
        return made;
    }

    /** @param b the second operand; 0 if there is one only */
    private long pointwise(int mode, long a, long b, long out) {
        long kind = descriptors.create(cudnnBackendDescriptorType.CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
        descriptors.setInts(kind, cudnnBackendAttributeName.CUDNN_ATTR_POINTWISE_MODE, cudnnBackendAttributeType.CUDNN_TYPE_POINTWISE_MODE, mode);
        descriptors.setInts(kind, cudnnBackendAttributeName.CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, cudnnDataType.CUDNN_DATA_FLOAT);
        descriptors.finish(kind);
        long made = descriptors.create(cudnnBackendDescriptorType.CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
        descriptors.set(made, cudnnBackendAttributeName.CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, CUDNN_TYPE_BACKEND_DESCRIPTOR, kind);
        descriptors.set(made, cudnnBackendAttributeName.CUDNN_ATTR_OPERATION_POINTWISE_XDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, a);
        if (b != 0) {
            descriptors.set(made, cudnnBackendAttributeName.CUDNN_ATTR_OPERATION_POINTWISE_BDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, b);
        }
        descriptors.set(made, cudnnBackendAttributeName.CUDNN_ATTR_OPERATION_POINTWISE_YDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, out);
        descriptors.finish(made);
        return made;
    }

    private long x(long id) {
        return tensor(id, false, p.n(), p.c(), p.h(), p.w());
    }

    private long y(long id, boolean virtual) {
        return tensor(id, virtual, p.n(), p.k(), p.oh(), p.ow());
    }

    private long weights(long id) {
        return tensor(id, false, p.k(), p.c() / p.groups(), p.r(), p.s());
    }

    /** What the pass computes. */
    private long outcome(long id, boolean virtual) {
        return switch (p.pass()) {
            case FORWARD -> y(id, virtual);
            case BACKWARD_DATA -> x(id);
            case BACKWARD_WEIGHT -> weights(id);
        };
    }

    /** A number per channel, in F32 like the sums that it meets. */
    private long perChannel(long id) {
        return tensor(id, false, cudnnDataType.CUDNN_DATA_FLOAT, 1, p.k(), 1, 1);
    }

    /** An image or weights. What is virtual is kept in F32, as sums are. */
    private long tensor(long id, boolean virtual, long n, long c, long h, long w) {
        return tensor(id, virtual, virtual ? cudnnDataType.CUDNN_DATA_FLOAT : Cudnn.dataType(p.type()), n, c, h, w);
    }

    /** A tensor whose second extent is the innermost in memory. */
    private long tensor(long id, boolean virtual, int type, long n, long c, long h, long w) {
        long made = descriptors.create(cudnnBackendDescriptorType.CUDNN_BACKEND_TENSOR_DESCRIPTOR);
        descriptors.setInts(made, cudnnBackendAttributeName.CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, type);
        descriptors.set(made, cudnnBackendAttributeName.CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, n, c, h, w);
        descriptors.set(made, cudnnBackendAttributeName.CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, h * w * c, 1, w * c, c);
        descriptors.set(made, cudnnBackendAttributeName.CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, id);
        descriptors.set(made, cudnnBackendAttributeName.CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, ALIGNMENT);
        if (virtual) {
            descriptors.setTrue(made, cudnnBackendAttributeName.CUDNN_ATTR_TENSOR_IS_VIRTUAL);
        }
        descriptors.finish(made);
        return made;
    }
}
