package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.TensorMap;
import dev.jacquard.tensor.EngineBugException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** A kernel with its grid and a parameter block that was filled once. The only way in which the engine launches kernels. */
final class KernelLaunch extends CudaLaunch {
    private final Kernel kernel;
    private final int[] grid;
    private final int[] block;
    private final int shared;
    /** First the addresses of the parameters, then their values. Kept for as long as the launch can run. */
    private final MemorySegment parameters;
    private final long address;

    private KernelLaunch(Device device, Builder b) {
        super(device);
        kernel = b.kernel;
        grid = b.grid;
        block = b.block;
        shared = b.shared;
        parameters = b.parameters();
        address = parameters.address();
    }

    @Override
    void enqueue(long stream) {
        try {
            device().driver().launch(kernel.function(), grid[0], grid[1], grid[2], block[0], block[1], block[2], shared, stream, address);
        } catch (DriverException e) {
            throw device().translated(toString(), e);
        }
    }

    @Override
    List<KernelLaunch> parts() {
        return List.of(this);
    }

    /** The kernel's symbol. */
    String symbol() {
        return kernel.name();
    }

    /** {@code silu_f32 <<<(4, 1, 1), (256, 1, 1), 0>>>}. */
    @Override
    public String toString() {
        return "%s <<<(%d, %d, %d), (%d, %d, %d), %d>>>".formatted(kernel.name(), grid[0], grid[1], grid[2], block[0], block[1], block[2], shared);
    }

    /** Collects a launch's grid and its parameters in the order of the kernel's declaration. */
    static final class Builder {
        private final Device device;
        private final Kernel kernel;
        private int[] grid = {1, 1, 1};
        private int[] block = {1, 1, 1};
        private int shared;
        /** Each parameter's bytes. */
        private final List<MemorySegment> values = new ArrayList<>();

        Builder(Device device, Kernel kernel) {
            this.device = device;
            this.kernel = kernel;
        }

        /** Blocks. */
        Builder grid(long x, long y, long z) {
            grid = new int[] {Math.toIntExact(x), Math.toIntExact(y), Math.toIntExact(z)};
            return this;
        }

        /** Blocks of a one-dimensional grid. */
        Builder grid(long x) {
            return grid(x, 1, 1);
        }

        /** Threads of a block. */
        Builder block(int x, int y, int z) {
            block = new int[] {x, y, z};
            return this;
        }

        /** Threads of a one-dimensional block. */
        Builder block(int x) {
            return block(x, 1, 1);
        }

        /** Dynamic shared memory of a block, in bytes. */
        Builder shared(int bytes) {
            shared = bytes;
            return this;
        }

        /** A device address. */
        Builder pointer(long address) {
            return i64(address);
        }

        /** A 64-bit integer. */
        Builder i64(long value) {
            values.add(MemorySegment.ofArray(new long[] {value}));
            return this;
        }

        /** A 32-bit integer. @throws ArithmeticException if the value does not fit */
        Builder i32(long value) {
            values.add(MemorySegment.ofArray(new int[] {Math.toIntExact(value)}));
            return this;
        }

        /** A float. */
        Builder f32(double value) {
            values.add(MemorySegment.ofArray(new float[] {(float) value}));
            return this;
        }

        /** A struct by value, laid out as the kernel declares it. */
        Builder struct(MemorySegment bytes) {
            values.add(bytes);
            return this;
        }

        /** A tensor map. */
        Builder map(TensorMap map) {
            return struct(MemorySegment.ofArray(device.driver().encode(map)));
        }

        /** The launch. @throws EngineBugException if the parameters are not those of the kernel */
        CudaLaunch build() {
            List<Integer> sizes = values.stream().map(v -> (int) v.byteSize()).toList();
            if (!sizes.equals(kernel.parameterSizes())) {
                throw new EngineBugException("kernel " + kernel.name(), "parameters do not fit the kernel", "sizes " + sizes, "sizes " + kernel.parameterSizes(), "report this");
            }
            for (int d = 0; d < 3; d++) {
                if (grid[d] < 1 || d > 0 && grid[d] > 65_535) {
                    throw new EngineBugException("kernel " + kernel.name(), "grid out of range", java.util.Arrays.toString(grid), "1 to 2^31-1 by 65535 by 65535 blocks",
                            "report this");
                }
            }
            if (shared > 48 << 10) {
                device.driver().maxDynamicShared(kernel.function(), shared);
            }
            return new KernelLaunch(device, this);
        }

        private MemorySegment parameters() {
            long bytes = 8L * values.size();
            long[] at = new long[values.size()];
            for (int i = 0; i < at.length; i++) {
                long alignment = values.get(i).byteSize() == TensorMap.BYTES ? TensorMap.ALIGNMENT : 16;
                at[i] = (bytes + alignment - 1) / alignment * alignment;
                bytes = at[i] + values.get(i).byteSize();
            }
            MemorySegment block = Arena.ofAuto().allocate(Math.max(bytes, 8), TensorMap.ALIGNMENT);
            for (int i = 0; i < at.length; i++) {
                block.setAtIndex(ValueLayout.JAVA_LONG, i, block.address() + at[i]);
                MemorySegment.copy(values.get(i), 0, block, at[i], values.get(i).byteSize());
            }
            return block;
        }
    }
}
