package dev.jacquard.emulator.ptx;

/** PTX text that is malformed, or uses what the emulator does not know. The message names the line. */
public final class PtxException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** A complaint about a line. */
    public PtxException(int line, String message) {
        super("PTX line " + line + ": " + message);
    }
}
