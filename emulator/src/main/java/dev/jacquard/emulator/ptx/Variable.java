package dev.jacquard.emulator.ptx;

import java.util.List;

/**
 * A declared variable. Compared by identity: scopes reuse names.
 */
public final class Variable {
    private final Space space;
    private final String name;
    private final PtxType type;
    private final long bytes;
    private final int align;
    private final boolean open;
    private final List<Initial> initial;

    /**
     * One number of an initializer.
     *
     * @param bits the value, or the offset from the symbol
     * @param symbol whose address is meant, or null
     */
    public record Initial(long bits, String symbol) {}

    Variable(Space space, String name, PtxType type, long bytes, int align, boolean open, List<Initial> initial) {
        this.space = space;
        this.name = name;
        this.type = type;
        this.bytes = bytes;
        this.align = align;
        this.open = open;
        this.initial = initial;
    }

    /** Where it lives. */
    public Space space() {
        return space;
    }

    /** As in the text. */
    public String name() {
        return name;
    }

    /** Type of an element. */
    public PtxType type() {
        return type;
    }

    /** Size of all elements. */
    public long bytes() {
        return bytes;
    }

    /** Alignment in bytes. */
    public int align() {
        return align;
    }

    /** Whether its size is given at launch: {@code extern __shared__ x[]}. */
    public boolean open() {
        return open;
    }

    /** First elements' values; the others are zero. */
    public List<Initial> initial() {
        return initial;
    }

    @Override
    public String toString() {
        return name;
    }
}
