package dev.jacquard.kernels.driver;

/** A driver call that failed. Inside of the CUDA backend only; callers of the engine see a {@link dev.jacquard.tensor.JacquardException} made of it. */
public final class DriverException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Kind kind;

    /** What went wrong, as far as a caller would act differently. */
    public enum Kind {
        /** No driver, or no device. */
        UNAVAILABLE,
        /** The device's memory does not suffice. */
        OUT_OF_MEMORY,
        /** The driver refuses a module's text. */
        INVALID_PTX,
        /** The driver or the device is too old for a module. */
        TOO_OLD,
        /** No such kernel or symbol. */
        NOT_FOUND,
        /** A kernel misbehaved: illegal address, misaligned access, trap, endless loop. */
        KERNEL_FAULT,
        /** The device is gone: reset, ECC error, lost from the bus. */
        DEVICE_LOST,
        /** A library (cuBLAS, cuDNN) refuses a call; the device is well, and our own kernels can do the work. */
        LIBRARY,
        /** Anything else: a bug of ours. */
        OTHER;

        /** Whether the context is unusable from now on. */
        public boolean sticky() {
            return this == KERNEL_FAULT || this == DEVICE_LOST;
        }
    }

    /** A failure. @param message call, error's name and number, and what is known about it, in a line */
    public DriverException(Kind kind, String message) {
        this(kind, message, null);
    }

    /** A failure with its cause. */
    public DriverException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** Whether a failure, one of the driver or what was made of it, leaves a context in which nothing works any more. */
    public static boolean isSticky(RuntimeException failure) {
        Throwable origin = failure instanceof DriverException ? failure : failure.getCause();
        return origin instanceof DriverException d && d.kind.sticky();
    }

    /** What went wrong. */
    public Kind kind() {
        return kind;
    }
}
