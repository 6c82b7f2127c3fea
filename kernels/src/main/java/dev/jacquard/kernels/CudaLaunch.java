package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.tensor.backend.Launch;
import java.util.List;

/** Work of the device, bound to its operands. */
abstract sealed class CudaLaunch implements Launch permits KernelLaunch, LibraryLaunch, CudaLaunch.Several, CudaLaunch.Fill {
    private final Device device;

    CudaLaunch(Device device) {
        this.device = device;
    }

    /** Puts the work into a stream. Allocates nothing. */
    abstract void enqueue(long stream);

    Device device() {
        return device;
    }

    /** The kernels in it, in order. */
    List<KernelLaunch> parts() {
        return List.of();
    }

    /** Symbols of its kernels in order. */
    final List<String> kernels() {
        return parts().stream().map(KernelLaunch::symbol).toList();
    }

    /** Its kernels in order, each with grid and block. */
    final List<String> launches() {
        return parts().stream().map(KernelLaunch::toString).toList();
    }

    @Override
    public final void run() {
        enqueue(device.stream());
    }

    /** One after the other. */
    static CudaLaunch of(Device device, CudaLaunch... parts) {
        return parts.length == 1 ? parts[0] : new Several(device, List.of(parts));
    }

    /** One after the other. */
    static final class Several extends CudaLaunch {
        private final CudaLaunch[] parts;

        Several(Device device, List<CudaLaunch> parts) {
            super(device);
            this.parts = parts.toArray(CudaLaunch[]::new);
        }

        @Override
        void enqueue(long stream) {
            for (CudaLaunch p : parts) {
                p.enqueue(stream);
            }
        }

        @Override
        List<KernelLaunch> parts() {
            return java.util.Arrays.stream(parts).flatMap(p -> p.parts().stream()).toList();
        }
    }

    /** Sets bytes: what the sum of nothing is, and counters before a kernel that adds to them. */
    static final class Fill extends CudaLaunch {
        private final long at;
        private final long bytes;
        private final byte value;

        Fill(Device device, long at, long bytes, byte value) {
            super(device);
            this.at = at;
            this.bytes = bytes;
            this.value = value;
        }

        @Override
        void enqueue(long stream) {
            try {
                device().driver().fill(at, value, bytes, stream);
            } catch (DriverException e) {
                throw device().translated("fill", e);
            }
        }
    }
}
