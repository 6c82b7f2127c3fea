package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Op;
import java.util.List;

/** The CUDA backend's kernel for one op: a row of its table. By default for F32, F16 and BF16, contiguous aligned operands, no scratch. */
@FunctionalInterface
interface CudaKernel<O extends Op> {
    /** Elements that an operand's offset must be a multiple of, so that kernels can use 16-byte accesses whatever the element type. */
    int ALIGNMENT = 16;

    /** Binds the kernel to operands: chooses the symbol, the grid, and fills the parameters. */
    CudaLaunch bind(O op, Call call);

    /** Whether the kernel computes on operands of these types: by default one floating type that is not F64, and F32 where the op asks for the {@link Op#wide} one. */
    default boolean takes(O op, List<TensorType> in) {
        DType floating = null;
        for (int i = 0; i < in.size(); i++) {
            DType t = in.get(i).dtype();
            if (t.isFloating()) {
                if (t == DType.F64 || !op.wide(i) && floating != null && floating != t) {
                    return false;
                }
                floating = op.wide(i) ? floating : t;
            }
        }
        return true;
    }

    /** Whether the kernel computes on operands of these types on a device; by default on every one. */
    default boolean takes(O op, List<TensorType> in, Device device) {
        return takes(op, in);
    }

    /** Whether it reads an input that lies like this. */
    default boolean reads(int input, Layout layout) {
        return aligned(layout);
    }

    /** Whether a layout has no gaps and begins where 16-byte accesses may. */
    static boolean aligned(Layout layout) {
        return layout.isContiguous() && layout.offset() % ALIGNMENT == 0;
    }

    /** Scratch in bytes. @param device that it will be bound on */
    default long workspace(O op, List<TensorType> in, Device device) {
        return 0;
    }
}
