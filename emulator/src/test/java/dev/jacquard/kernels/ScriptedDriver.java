package dev.jacquard.kernels;

import dev.jacquard.emulator.EmulatorDriver;
import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.MatrixLibraries;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The emulator with a clock of its own: kernels and fills take the times that a test says, whatever they really take, and some fail. */
final class ScriptedDriver {
    /** A fill with this byte is refused by the driver. */
    static final byte REFUSED = 99;
    /** A fill with this byte kills the context. */
    static final byte FATAL = 98;
    /** Milliseconds of a kernel. */
    static final double KERNEL = 1;
    /** Milliseconds of a fill. */
    static final double FILL = 0.01;
    /** Milliseconds of a copy on the device. */
    static final double COPY = 0.002;
    /** Milliseconds of a copy to the device. */
    static final double UPLOAD = 0.75;

    private final EmulatorDriver device = new EmulatorDriver();
    private final Map<Long, Double> marks = new HashMap<>();
    private final Map<Long, Double> captured = new HashMap<>();
    private final Map<Long, Double> graphs = new HashMap<>();
    private double clock;
    int launches;
    boolean full;
    MatrixLibraries libraries = MatrixLibraries.NONE;
    /** Milliseconds of each graph that was launched. */
    final List<Double> replayed = new ArrayList<>();

    Driver driver() {
        return (Driver) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Driver.class}, (_, method, args) -> {
            switch (method.getName()) {
                case "launch" -> {
                    launches++;
                    take(KERNEL, (Long) args[8]);
                }
                case "fill" -> {
                    take(FILL, (Long) args[3]);
                    fail((byte) args[1]);
                }
                case "beginCapture" -> captured.put((Long) args[0], 0.0);
                case "launchGraph" -> {
                    replayed.add(graphs.get((Long) args[0]));
                    clock += replayed.getLast();
                }
                case "copy" -> take(COPY, (Long) args[3]);
                case "copyToDevice" -> take(UPLOAD, (Long) args[2]);
                case "libraries" -> {
                    return libraries;
                }
                case "allocate" -> {
                    if (full) {
                        throw new DriverException(DriverException.Kind.OUT_OF_MEMORY, "full");
                    }
                }
                case "record" -> marks.put((Long) args[0], clock);
                case "milliseconds" -> {
                    return (float) (marks.get((Long) args[1]) - marks.get((Long) args[0]));
                }
                default -> { }
            }
            try {
                Object result = method.invoke(device, args);
                if (method.getName().equals("endCapture")) {
                    graphs.put((Long) result, captured.remove((Long) args[0]));
                }
                return result;
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    /** Time passes when work is done, not when it is recorded. */
    private void take(double ms, long stream) {
        if (captured.computeIfPresent(stream, (_, sum) -> sum + ms) == null) {
            clock += ms;
        }
    }

    private static void fail(byte value) {
        if (value == REFUSED) {
            throw new DriverException(DriverException.Kind.OTHER, "refused");
        }
        if (value == FATAL) {
            throw new DriverException(DriverException.Kind.KERNEL_FAULT, "the context is lost");
        }
    }
}
