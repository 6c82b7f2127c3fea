package dev.jacquard.emulator;

/** Reads and writes of any number of bytes of global memory, as bulk copies do them, with all checks. */
final class GlobalBytes {
    private GlobalBytes() {}

    static void read(Warp w, int lane, long address, int n, byte[] to, int at, String what) {
        Allocation a = find(w, lane, address, n, what, false);
        int o = (int) (address - a.base);
        for (int i = o; a.valid != null && i < o + n && w.machine.options().uninitialized(); i++) {
            if ((a.valid[i >> 6] >>> i & 1) == 0) {
                throw new Fault(lane, what + " of memory that was never written, at " + w.machine.memory().describe(a.base + i));
            }
        }
        System.arraycopy(a.data, o, to, at, n);
    }

    static void write(Warp w, int lane, long address, int n, byte[] from, int at, String what) {
        Allocation a = find(w, lane, address, n, what, true);
        if (a.readOnly) {
            throw new Fault(lane, what + " to constant memory at " + w.machine.memory().describe(address));
        }
        int o = (int) (address - a.base);
        a.writtenRange(o, n);
        System.arraycopy(from, at, a.data, o, n);
    }

    private static Allocation find(Warp w, int lane, long address, int n, String what, boolean writes) {
        DeviceMemory memory = w.machine.memory();
        Allocation a = memory.find(address, n);
        if (a == null) {
            throw new Fault(lane, what + " of " + n + " bytes at " + memory.describe(address));
        }
        if (w.machine.counters() != null) {
            w.machine.counters().bulk(a, (int) (address - a.base), n, writes);
        }
        GlobalRaces races = w.machine.globalRaces();
        if (races.watches(a)) {
            if (a.marks == null) {
                a.marks = new GlobalRaces.Marks((int) a.size);
            }
            String other = races.access(a.marks, (int) (address - a.base), n, !writes, writes);
            if (other != null) {
                throw new Fault(lane, "race in global memory: " + what + " after " + other + " of the same launch, at " + memory.describe(address));
            }
        }
        return a;
    }
}
