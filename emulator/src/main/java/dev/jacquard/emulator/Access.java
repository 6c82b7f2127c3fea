package dev.jacquard.emulator;

import dev.jacquard.emulator.ptx.Space;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Locale;

/** An instruction that touches memory: finds each lane's bytes and checks them. */
abstract class Access extends Insn {
    static final VarHandle SHORTS = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /** What an access does to its bytes; an atomic one reads and writes them. */
    enum Kind { READ, WRITE, ATOMIC }

    private final Kind kind;
    final Space space;
    /** Register of the address, or -1 if the offset is the whole address. */
    final int base;
    final boolean wideBase;
    final long offset;
    /** All bytes of a lane's access. */
    final int bytes;
    /** The buffer that was hit last: the next lane mostly hits it too. */
    private Allocation cached = Allocation.NONE;
    /** Where the bytes of {@link #locate} lie. */
    byte[] data;
    /** A write that races, as far as is known before the value is: writing what is there already harms nobody. */
    Fault race;

    Access(Kind kind, Space space, int base, boolean wideBase, long offset, int bytes) {
        this.kind = kind;
        this.space = space;
        this.base = base;
        this.wideBase = wideBase;
        this.offset = offset;
        this.bytes = bytes;
    }

    final long address(Warp w, int lane) {
        if (base < 0) {
            return offset;
        }
        return wideBase ? w.q[base][lane] + offset : w.r[base][lane] + offset & 0xffffffffL;
    }

    /** Reads a number of 1 to 8 bytes. */
    static long read(byte[] data, int o, int size, boolean signed) {
        return switch (size) {
            case 1 -> signed ? data[o] : data[o] & 0xff;
            case 2 -> signed ? (short) SHORTS.get(data, o) : (short) SHORTS.get(data, o) & 0xffff;
            case 4 -> signed ? (int) INTS.get(data, o) : (int) INTS.get(data, o) & 0xffffffffL;
            default -> (long) LONGS.get(data, o);
        };
    }

    /** Bytes that a lane really touches, from its address on. */
    int length(Warp w, int lane) {
        return bytes;
    }

    @Override
    Access[] accesses() {
        return new Access[] {this};
    }

    final boolean reads() {
        return kind != Kind.WRITE;
    }

    final boolean writes() {
        return kind != Kind.READ;
    }

    /** Finds and checks a lane's bytes: {@link #data} holds them. @return their index there */
    final int locate(Warp w, int lane) {
        return locate(w, lane, bytes);
    }

    /** As {@link #locate(Warp, int)}, of an access to global memory that touches only its first bytes. */
    final int locate(Warp w, int lane, int length) {
        long a = address(w, lane);
        race = null;
        if ((a & bytes - 1) != 0) {
            throw new Fault(lane, "misaligned " + what() + " of " + bytes + " bytes at " + describe(w, a));
        }
        return switch (space) {
            case GLOBAL, CONST -> global(w, a, lane, length);
            case SHARED -> shared(w, a, lane);
            case LOCAL -> local(w, a, lane);
            case PARAM -> parameter(w, a, lane);
            case GENERIC -> generic(w, a, lane);
        };
    }

    private String what() {
        return kind.name().toLowerCase(Locale.ROOT);
    }

    private String describe(Warp w, long a) {
        return switch (space) {
            case GLOBAL, CONST, GENERIC -> w.machine.memory().describe(a);
            default -> space.name().toLowerCase(Locale.ROOT) + " address " + a;
        };
    }

    private int generic(Warp w, long a, int lane) {
        if (Windows.in(Windows.SHARED, a)) {
            return shared(w, a - Windows.SHARED, lane);
        }
        if (Windows.in(Windows.LOCAL, a)) {
            return local(w, a - Windows.LOCAL, lane);
        }
        if (Windows.in(Windows.PARAM, a)) {
            return parameter(w, a - Windows.PARAM, lane);
        }
        return global(w, a, lane, bytes);
    }

    private int global(Warp w, long a, int lane, int length) {
        Allocation hit = cached;
        long o = a - hit.base;
        if (o < 0 || o > hit.size - length || hit.freed) {
            hit = w.machine.memory().find(a, length);
            if (hit == null) {
                throw new Fault(lane, what() + " of " + length + " bytes at " + w.machine.memory().describe(a));
            }
            cached = hit;
            o = a - hit.base;
        }
        data = hit.data;
        if (hit.valid != null) {
            if (reads() && w.machine.options().uninitialized() && !hit.isValid((int) o, length)) {
                throw new Fault(lane, "read of memory that was never written, " + length + " bytes at " + w.machine.memory().describe(a));
            }
            if (writes()) {
                hit.written((int) o, length);
            }
        }
        if (writes() && hit.readOnly) {
            throw new Fault(lane, "write to constant memory at " + w.machine.memory().describe(a));
        }
        GlobalRaces races = w.machine.globalRaces();
        if (races.watches(hit)) {
            if (hit.marks == null) {
                hit.marks = new GlobalRaces.Marks((int) hit.size);
            }
            String other = races.access(hit.marks, (int) o, length, reads(), writes());
            if (other != null) {
                raced(new Fault(lane, "race in global memory: " + what() + " after " + other + " of the same launch, at " + w.machine.memory().describe(a)));
            }
        }
        return (int) o;
    }

    private void raced(Fault fault) {
        if (reads()) {
            throw fault;
        }
        race = fault;
    }

    private int shared(Warp w, long a, int lane) {
        SharedMemory shared = w.machine.shared();
        long o = a - Windows.SHARED_START;
        if (o < 0 || o > shared.size() - bytes) {
            throw new Fault(lane, what() + " of " + bytes + " bytes of shared memory at " + shared.describe(a));
        }
        Fault other = shared.check(w, lane, (int) o, this);
        if (other != null) {
            raced(other);
        }
        data = shared.data();
        return (int) o;
    }

    private int local(Warp w, long a, int lane) {
        int size = w.machine.localBytes();
        if (a < 0 || a > size - bytes) {
            throw new Fault(lane, what() + " of " + bytes + " bytes at local address " + a + ", outside of the thread's " + size + " bytes");
        }
        data = w.local;
        return (int) a + lane * size;
    }

    private int parameter(Warp w, long a, int lane) {
        byte[] parameters = w.machine.parameters();
        if (a < 0 || a > parameters.length - bytes || writes()) {
            throw new Fault(lane, what() + " of " + bytes + " bytes at parameter address " + a + ", of " + parameters.length + " bytes of parameters");
        }
        data = parameters;
        return (int) a;
    }

    /** Loads. */
    static final class Load extends Access {
        private final int size;
        private final boolean signed;
        private final boolean[] wide;
        private final boolean[] half;
        private final int[] d;
        private final boolean words;
        private final int[] places = new int[Warp.LANES];

        /** @param d destinations; -1 for those nobody reads @param wide which are 64-bit registers @param half which are 16-bit registers */
        Load(Space space, int base, boolean wideBase, long offset, int size, boolean signed, int[] d, boolean[] wide, boolean[] half) {
            super(Kind.READ, space, base, wideBase, offset, size * d.length);
            this.size = size;
            this.signed = signed;
            this.d = d;
            this.wide = wide;
            this.half = half;
            boolean all = size == 4;
            for (int k = 0; k < d.length; k++) {
                all &= d[k] >= 0 && !wide[k] && !half[k];
            }
            words = all;
        }

        @Override
        void run(Warp w, int mask) {
            if (words) {
                words(w, mask);
                return;
            }
            scattered(w, mask);
        }

        /** The common case apart: whole words into 32-bit registers. First all lanes' places, then a register after the other. */
        private void words(Warp w, int mask) {
            int[] at = places;
            byte[] from = null;
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                at[i] = locate(w, i);
                if (data != from && from != null) {
                    scattered(w, mask);
                    return;
                }
                from = data;
            }
            for (int k = 0; k < d.length; k++) {
                int[] to = w.r[d[k]];
                if (mask == -1) {
                    for (int i = 0; i < to.length; i++) {
                        to[i] = (int) INTS.get(from, at[i] + 4 * k);
                    }
                } else {
                    for (int m = mask; m != 0; m &= m - 1) {
                        int i = Integer.numberOfTrailingZeros(m);
                        to[i] = (int) INTS.get(from, at[i] + 4 * k);
                    }
                }
            }
        }

        /** Lane after lane: of any width, from any buffers. */
        private void scattered(Warp w, int mask) {
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                int o = locate(w, i);
                for (int k = 0; k < d.length; k++, o += size) {
                    if (d[k] >= 0) {
                        put(w, k, i, read(data, o, size, signed));
                    }
                }
            }
        }

        private void put(Warp w, int k, int lane, long v) {
            if (wide[k]) {
                w.q[d[k]][lane] = v;
            } else {
                w.r[d[k]][lane] = half[k] ? (int) v & 0xffff : (int) v;
            }
        }
    }

    /** Stores. */
    static final class Store extends Access {
        private final int size;
        private final boolean[] wide;
        private final int[] s;

        Store(Space space, int base, boolean wideBase, long offset, int size, int[] s, boolean[] wide) {
            super(Kind.WRITE, space, base, wideBase, offset, size * s.length);
            this.size = size;
            this.s = s;
            this.wide = wide;
        }

        @Override
        void run(Warp w, int mask) {
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                int o = locate(w, i);
                if (race != null && changes(w, i, o)) {
                    throw race;
                }
                for (int k = 0; k < s.length; k++, o += size) {
                    long v = wide[k] ? w.q[s[k]][i] : w.r[s[k]][i];
                    switch (size) {
                        case 1 -> data[o] = (byte) v;
                        case 2 -> SHORTS.set(data, o, (short) v);
                        case 4 -> INTS.set(data, o, (int) v);
                        default -> LONGS.set(data, o, v);
                    }
                }
            }
        }

        /** Whether a lane's value differs from what is in memory. */
        private boolean changes(Warp w, int lane, int o) {
            for (int k = 0; k < s.length; k++) {
                long v = wide[k] ? w.q[s[k]][lane] : w.r[s[k]][lane];
                long mask = size == 8 ? -1L : (1L << 8 * size) - 1;
                if ((read(data, o + k * size, size, false) & mask) != (v & mask)) {
                    return true;
                }
            }
            return false;
        }
    }
}
