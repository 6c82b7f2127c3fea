package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.DeviceInfo;
import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.MatrixLibraries;
import dev.jacquard.tensor.DeviceException;
import dev.jacquard.tensor.EngineBugException;
import dev.jacquard.tensor.JacquardException;
import dev.jacquard.tensor.OutOfMemoryException;
import dev.jacquard.tensor.backend.BackendOptions.Tf32;
import dev.jacquard.tensor.backend.Buffer;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A driver's device with what the backend keeps on it: one stream, the loaded modules, memory, staging for transfers. Thread-safe. */
final class Device implements AutoCloseable {
    private record Module(long handle, Map<String, List<Integer>> entries) {}

    private final String name;
    private final Driver driver;
    private final long stream;
    private final Map<String, Module> modules = new HashMap<>();
    private final Map<String, Kernel> kernels = new HashMap<>();
    private final MemoryPool memory;
    private final Staging staging;
    private final Choices choices;
    private final boolean emulatesTf32;
    private boolean closed;

    Device(String name, Driver driver, boolean cacheMemory, MatrixOptions options) {
        this.name = name;
        this.driver = driver;
        this.stream = driver.createStream();
        this.memory = new MemoryPool(driver, cacheMemory);
        this.staging = new Staging(driver, stream);
        MatrixLibraries libraries = options.libraries() ? driver.libraries() : MatrixLibraries.NONE;
        Target target = new Target(driver.device(), options.tf32() != Tf32.OFF);
        this.emulatesTf32 = options.tf32() == Tf32.EMULATE && !target.tensorCores();
        this.choices = new Choices(target, libraries, options, new Tuner(this), () -> conditions(target, libraries));
    }

    Driver driver() {
        return driver;
    }

    /** What measured times depend on beside the op. */
    private String conditions(Target target, MatrixLibraries libraries) {
        DeviceInfo d = driver.device();
        return "%s, sm_%d, %d SMs, driver %d, tf32 %s, libraries %s, kernels %s".formatted(d.name(), d.capability(), d.multiprocessors(), d.driverVersion(),
                target.tf32() ? "on" : "off", libraries.versions(), PtxText.fingerprint());
    }

    /** Whether graphs are to round for it what it should, but cannot. */
    boolean emulatesTf32() {
        return emulatesTf32;
    }

    /** Which of several kernels ops take. */
    Choices choices() {
        return choices;
    }

    /** The stream that all computing is ordered in. */
    long stream() {
        return stream;
    }

    /** Loads a kernel, and its module if it is the first of it. */
    synchronized Kernel kernel(String module, String symbol) {
        return kernels.computeIfAbsent(module + "/" + symbol, _ -> {
            Module m = modules.computeIfAbsent(module, this::load);
            List<Integer> sizes = m.entries().get(symbol);
            if (sizes == null) {
                throw new EngineBugException("kernel " + symbol, "not in its module", module + ".ptx", "one of " + m.entries().keySet(), "instantiate it in kernels/cuda/"
                        + module + ".cu");
            }
            long[] function = new long[1];
            guarded("kernel " + symbol, () -> function[0] = driver.function(m.handle(), symbol));
            return new Kernel(symbol, function[0], sizes);
        });
    }

    private Module load(String module) {
        PtxText text = PtxText.load(module);
        long[] handle = new long[1];
        guarded("module " + module, () -> handle[0] = driver.loadModule(module, text.bytes()));
        return new Module(handle[0], text.entries());
    }

    long allocate(long bytes, String purpose) {
        try {
            return memory.allocate(Math.max(bytes, 1));
        } catch (DriverException e) {
            if (e.kind() == DriverException.Kind.OUT_OF_MEMORY) {
                throw new OutOfMemoryException(name, "out of device memory for " + purpose, bytes + " bytes",
                        "at most " + driver.freeMemory() + " bytes, which are free of " + driver.device().memoryBytes(), "use a smaller batch, or smaller images", e);
            }
            throw translated("allocation for " + purpose, e);
        }
    }

    void free(long address) {
        memory.free(address);
    }

    /** Gives memory that is free and kept for later back to the driver. */
    void trim() {
        guarded("free", memory::trim);
    }

    void upload(long to, MemorySegment host) {
        guarded("upload", () -> staging.upload(to, host));
    }

    Buffer.Transfer stage(long to, MemorySegment host) {
        try {
            Buffer.Transfer begun = staging.stage(to, host);
            return () -> guarded("upload", begun::place);
        } catch (DriverException e) {
            throw translated("upload", e);
        }
    }

    void download(MemorySegment host, long from) {
        guarded("download", () -> staging.download(host, from));
    }

    void synchronize() {
        guarded("synchronize", () -> driver.synchronize(stream));
    }

    /** Runs driver calls; their failures come out as the engine's errors. */
    void guarded(String what, Runnable calls) {
        try {
            calls.run();
        } catch (DriverException e) {
            throw translated(what, e);
        }
    }

    /** A driver's failure in five parts. */
    JacquardException translated(String what, DriverException e) {
        return switch (e.kind()) {
            case UNAVAILABLE -> new DeviceException(name, what + " failed", e.getMessage(), "a working NVIDIA driver and device", "run ./jacquard doctor", e);
            case OUT_OF_MEMORY -> new OutOfMemoryException(name, "out of device memory in " + what, e.getMessage(), "enough free memory",
                    "use a smaller batch, or smaller images", e);
            case TOO_OLD -> new DeviceException(name, what + " needs a newer driver or device", e.getMessage(),
                    "a driver for CUDA 12.0 or newer, a device of compute capability 7.5 or newer", "update the driver", e);
            case DEVICE_LOST -> new DeviceException(name, what + " failed: the device is gone", e.getMessage(), "a device that stays",
                    "look at the system's log and nvidia-smi, then start again", e);
            case KERNEL_FAULT -> new EngineBugException(what, "a kernel misbehaved; the device's context is lost", e.getMessage(), "no fault",
                    "report this with the model and the batch; run it with --device emulator to find the place", e);
            case LIBRARY -> new DeviceException(name, what + " failed in a library", e.getMessage(), "success",
                    "run it with --libs off, and ./jacquard selftest to see which engines fail", e);
            case INVALID_PTX, NOT_FOUND, OTHER -> new EngineBugException(what, "the driver refused", e.getMessage(), "success",
                    "report this with the output of ./jacquard doctor", e);
        };
    }

    /** Closing again does nothing. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        choices.save();
        try {
            staging.close();
            memory.close();
            modules.values().forEach(m -> driver.unloadModule(m.handle()));
            driver.destroyStream(stream);
        } catch (DriverException e) {
            // After a sticky error nothing can be freed one by one, and the error itself has been thrown before.
            if (!e.kind().sticky()) {
                throw translated("close", e);
            }
        } finally {
            modules.clear();
            kernels.clear();
            driver.close();
        }
    }
}
