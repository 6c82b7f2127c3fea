package dev.jacquard.emulator;

/** What a thread did wrong, without its place; {@link Machine} adds that. */
final class Fault extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** Lane of the warp, or -1 for the whole warp. */
    private final int lane;

    Fault(int lane, String message) {
        super(message, null, false, false);
        this.lane = lane;
    }

    int lane() {
        return lane;
    }
}
