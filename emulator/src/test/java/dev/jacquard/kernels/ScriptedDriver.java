package dev.jacquard.kernels;

import dev.jacquard.emulator.EmulatorDriver;
import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.kernels.driver.DriverException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.HashMap;
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

    private final EmulatorDriver device = new EmulatorDriver();
    private final Map<Long, Double> marks = new HashMap<>();
    private double clock;
    int launches;
    boolean full;

    Driver driver() {
        return (Driver) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Driver.class}, (_, method, args) -> {
            switch (method.getName()) {
                case "launch" -> {
                    launches++;
                    clock += KERNEL;
                }
                case "fill" -> {
                    clock += FILL;
                    fail((byte) args[1]);
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
                return method.invoke(device, args);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
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
