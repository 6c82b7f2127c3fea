package dev.jacquard.emulator.ptx;

/** A declared register. Compared by identity: scopes reuse names. */
public final class Register {
    private final String name;
    private final PtxType type;

    Register(String name, PtxType type) {
        this.name = name;
        this.type = type;
    }

    /** With its percent sign. */
    public String name() {
        return name;
    }

    /** As declared. */
    public PtxType type() {
        return type;
    }

    @Override
    public String toString() {
        return name;
    }
}
