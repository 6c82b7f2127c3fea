package dev.jacquard.kernels;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.View;
import java.util.List;

/**
 * A kernel's operands with the device to bind it on.
 *
 * @param device where
 * @param in inputs
 * @param out outputs, contiguous and aligned
 * @param workspace address of the scratch memory
 */
record Call(Device device, List<View> in, List<View> out, long workspace) {
    /** Threads of a block where nothing speaks for another number. */
    static final int BLOCK = 256;

    /** Address of the first element of input i. */
    long in(int i) {
        return address(in.get(i));
    }

    /** Address of the first element of output i. */
    long out(int i) {
        return address(out.get(i));
    }

    /** The inputs' types. */
    List<TensorType> types() {
        return in.stream().map(View::type).toList();
    }

    Shape inShape(int i) {
        return in.get(i).shape();
    }

    Shape outShape(int i) {
        return out.get(i).shape();
    }

    static long address(View v) {
        return CudaBuffer.of(v.buffer()).address() + v.layout().offset() * v.dtype().bytes();
    }

    /** Begins a launch of {@code symbol_dtype} of a module. */
    KernelLaunch.Builder launch(String module, String symbol, DType dtype) {
        return launch(module, symbol + "_" + dtype);
    }

    /** Begins a launch of a kernel of a module. */
    KernelLaunch.Builder launch(String module, String symbol) {
        return new KernelLaunch.Builder(device, device.kernel(module, symbol));
    }

    /** Several launches in order as one. */
    CudaLaunch sequence(CudaLaunch... parts) {
        return CudaLaunch.of(device, parts);
    }

    /** Sets memory to a byte. */
    CudaLaunch fill(long at, long bytes, int value) {
        return new CudaLaunch.Fill(device, at, bytes, (byte) value);
    }

    /** Blocks for n units of work at so many per block; at least 1. */
    static long blocks(long n, long perBlock) {
        return Math.max(1, (n + perBlock - 1) / perBlock);
    }
}
