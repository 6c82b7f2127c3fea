package dev.jacquard.kernels.nvidia;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.jacquard.kernels.driver.DeviceInfo;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What this process can know of CUDA without changing anything: no context is made, no file is written. Asked once; a driver that has been loaded stays.
 *
 * @param search how the driver's library was looked for
 * @param library the driver's library, null unless it was loaded
 * @param driverVersion 1000 major + 10 minor; 0 unless known
 * @param devices all that the driver shows
 * @param failure why CUDA cannot be used; null if it can
 */
record Probe(Libraries.Search search, CudaLibrary library, int driverVersion, List<DeviceInfo> devices, DriverException failure) {
    /** CUDA 12.0: the first whose driver takes PTX ISA 8.0 (R525). */
    static final int OLDEST_DRIVER = 12_000;

    /** Turing: what the PTX is compiled for. */
    static final int OLDEST_CAPABILITY = 75;

    private static final int MULTIPROCESSORS = 16;
    private static final int MAJOR = 75;
    private static final int MINOR = 76;
    private static final int SHARED_OPT_IN = 97;

    private static final class Once {
        static final Probe PROBE = look(new Libraries());
    }

    /** What is here. Never throws. */
    static Probe here() {
        return Once.PROBE;
    }

    /** Number of the first device that is new enough. @throws DriverException if CUDA cannot be used */
    int best() {
        if (failure != null) {
            throw again();
        }
        for (int i = 0; i < devices.size(); i++) {
            if (devices.get(i).capability() >= OLDEST_CAPABILITY) {
                return i;
            }
        }
        throw new AssertionError("a probe without failure has a device");
    }

    /** The failure for another thrower, whose stack it then shows. */
    DriverException again() {
        return new DriverException(failure.kind(), failure.getMessage(), failure);
    }

    private static Probe look(Libraries libraries) {
        Libraries.Search search = libraries.find(Libraries.DRIVER);
        if (!System.getProperty("os.name").equals("Linux") || !System.getProperty("os.arch").equals("amd64")) {
            return failed(search, new DriverException(Kind.UNAVAILABLE, "the CUDA backend runs on Linux on x86-64 only; use --device cpu"));
        }
        try {
            // By name where no file was found: the loader also has a cache, and folders of its own.
            return devices(search, CudaLibrary.open(search.file().map(Path::toString).orElse(Libraries.DRIVER)));
        } catch (IllegalArgumentException | IllegalCallerException | UnsatisfiedLinkError e) {
            return failed(search, new DriverException(Kind.UNAVAILABLE, notLoaded(search, e), e));
        }
    }

    private static Probe failed(Libraries.Search search, DriverException why) {
        return new Probe(search, null, 0, List.of(), why);
    }

    private static String notLoaded(Libraries.Search search, Throwable e) {
        if (e instanceof IllegalCallerException) {
            return "native access is not allowed: start the JVM with --enable-native-access=ALL-UNNAMED";
        }
        if (search.file().isPresent()) {
            return search.file().get() + " does not load (" + e.getMessage() + "): reinstall the NVIDIA driver";
        }
        Optional<String> broken = search.looks().stream().map(Libraries.Look::result).filter(r -> r.contains(Libraries.DRIVER)).findFirst();
        if (broken.isPresent()) {
            return broken.get() + ": reinstall the NVIDIA driver";
        }
        return Files.exists(Path.of("/proc/driver/nvidia/version"))
                ? "the NVIDIA kernel module is loaded, but its library libcuda.so.1 is not here: in a container, start it with --gpus all; else reinstall the driver"
                : "no libcuda.so.1: install the NVIDIA driver (525 or newer)";
    }

    private static Probe devices(Libraries.Search search, CudaLibrary cuda) {
        int version = 0;
        List<DeviceInfo> devices = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(256);
            if (!cuda.missing().contains("cuDriverGetVersion")) {
                check("cuDriverGetVersion", cuda.cuDriverGetVersion(out.address()));
                version = out.get(JAVA_INT, 0);
                if (version < OLDEST_DRIVER) {
                    throw new DriverException(Kind.TOO_OLD, "the NVIDIA driver is for CUDA %d.%d, 12.0 or newer is needed: update it to 525 or newer".formatted(version / 1000,
                            version % 1000 / 10));
                }
            }
            if (!cuda.missing().isEmpty()) {
                throw new DriverException(Kind.NOT_FOUND, "%s lacks %s: reinstall the NVIDIA driver".formatted(search.file().map(Path::toString).orElse(Libraries.DRIVER),
                        String.join(", ", cuda.missing())));
            }
            check("cuInit", cuda.cuInit());
            check("cuDeviceGetCount", cuda.cuDeviceGetCount(out.address()));
            int count = out.get(JAVA_INT, 0);
            if (count == 0) {
                throw CudaErrors.of("cuDeviceGetCount", 100, "");
            }
            for (int i = 0; i < count; i++) {
                devices.add(device(cuda, out, i, version));
            }
            if (devices.stream().noneMatch(d -> d.capability() >= OLDEST_CAPABILITY)) {
                throw new DriverException(Kind.TOO_OLD, "%s has sm_%d, sm_%d (Turing) or newer is needed: use --device cpu".formatted(devices.getFirst().name(),
                        devices.getFirst().capability(), OLDEST_CAPABILITY));
            }
            return new Probe(search, cuda, version, devices, null);
        } catch (DriverException e) {
            // At this point "unknown error" and the like all mean that the driver does not work here.
            DriverException why = e.kind() == Kind.TOO_OLD || e.kind() == Kind.NOT_FOUND ? e : new DriverException(Kind.UNAVAILABLE, e.getMessage(), e);
            return new Probe(search, cuda, version, devices, why);
        }
    }

    private static DeviceInfo device(CudaLibrary cuda, MemorySegment out, int ordinal, int version) {
        check("cuDeviceGet", cuda.cuDeviceGet(out.address(), ordinal));
        int device = out.get(JAVA_INT, 0);
        check("cuDeviceGetName", cuda.cuDeviceGetName(out.address(), (int) out.byteSize(), device));
        String name = out.getString(0);
        check("cuDeviceTotalMem", cuda.cuDeviceTotalMem(out.address(), device));
        long memory = out.get(JAVA_LONG, 0);
        return new DeviceInfo(name, attribute(cuda, out, MAJOR, device), attribute(cuda, out, MINOR, device), attribute(cuda, out, MULTIPROCESSORS, device), memory,
                attribute(cuda, out, SHARED_OPT_IN, device), version);
    }

    private static int attribute(CudaLibrary cuda, MemorySegment out, int attribute, int device) {
        check("cuDeviceGetAttribute", cuda.cuDeviceGetAttribute(out.address(), attribute, device));
        return out.get(JAVA_INT, 0);
    }

    private static void check(String call, int code) {
        if (code != 0) {
            throw CudaErrors.of(call, code, "");
        }
    }
}
