package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.tensor.backend.Launch;
import java.util.List;

/**
 * A plan's launches in order. The first run launches each, which also loads what is loaded lazily; the second records them as a CUDA graph; from then on that graph is
 * replayed: one call for a whole step. Not thread-safe, as plans are not.
 */
final class Sequence implements Launch {
    private final Device device;
    private final String name;
    private final CudaLaunch[] parts;
    private int runs;
    private long graph;

    Sequence(Device device, String name, List<CudaLaunch> parts) {
        this.device = device;
        this.name = name;
        this.parts = parts.toArray(CudaLaunch[]::new);
    }

    @Override
    public void run() {
        if (parts.length == 0) {
            return;
        }
        device.driver().pushRange(name);
        try {
            if (runs++ == 0) {
                enqueue(device.stream());
            } else {
                replay();
            }
        } catch (DriverException e) {
            throw device.translated(name, e);
        } finally {
            device.driver().popRange();
        }
    }

    private void enqueue(long stream) {
        for (CudaLaunch p : parts) {
            p.enqueue(stream);
        }
    }

    private void replay() {
        if (graph == 0) {
            graph = record();
        }
        device.driver().launchGraph(graph, device.stream());
    }

    /** Recorded in a stream of its own, so that other threads' work does not get into it. */
    private long record() {
        long stream = device.driver().createStream();
        try {
            device.driver().beginCapture(stream);
            enqueue(stream);
            return device.driver().endCapture(stream);
        } finally {
            device.driver().destroyStream(stream);
        }
    }

    @Override
    public void release() {
        if (graph != 0) {
            device.driver().destroyGraph(graph);
            graph = 0;
        }
    }
}
