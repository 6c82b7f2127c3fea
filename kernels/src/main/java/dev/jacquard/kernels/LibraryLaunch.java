package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.MatrixEngine;

/** A call of a library, which launches kernels of its own in the stream it is given. */
final class LibraryLaunch extends CudaLaunch {
    private final String name;
    private final MatrixEngine.Bound call;

    LibraryLaunch(Device device, String name, MatrixEngine.Bound call) {
        super(device);
        this.name = name;
        this.call = call;
    }

    @Override
    void enqueue(long stream) {
        try {
            call.enqueue(stream);
        } catch (DriverException e) {
            throw device().translated(name, e);
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
