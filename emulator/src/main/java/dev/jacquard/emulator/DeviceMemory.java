package dev.jacquard.emulator;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Device memory: buffers at addresses that look like a device's, never used twice, with unmapped gaps between them, so that every stray access is found.
 */
final class DeviceMemory {
    private static final long FIRST = 0x7f00_0000_0000L;
    private static final int ALIGN = 256;
    private static final int GAP = 4096;
    private static final int REMEMBERED = 4096;

    private final TreeMap<Long, Allocation> live = new TreeMap<>();
    private final LinkedHashMap<Long, Allocation> gone = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Allocation> eldest) {
            return size() > REMEMBERED;
        }
    };
    private final long limit;
    private long used;
    private long next = FIRST;

    DeviceMemory(long limit) {
        this.limit = limit;
    }

    long free() {
        return limit - used;
    }

    Allocation allocate(long bytes, String label, boolean readOnly) {
        if (bytes > free()) {
            throw new DriverException(Kind.OUT_OF_MEMORY, "emulator: allocation of " + bytes + " bytes, " + free() + " of " + limit + " are free");
        }
        if (bytes > Integer.MAX_VALUE - 64) {
            throw new DriverException(Kind.OUT_OF_MEMORY, "emulator: allocation of " + bytes + " bytes: one buffer holds at most 2 GiB here");
        }
        Allocation a;
        try {
            a = new Allocation(next, (int) bytes, label, readOnly);
        } catch (OutOfMemoryError e) {
            throw new DriverException(Kind.OUT_OF_MEMORY, "emulator: allocation of " + bytes + " bytes: the JVM's heap is too small for it; raise -Xmx", e);
        }
        next += (bytes + ALIGN - 1) / ALIGN * ALIGN + GAP;
        used += bytes;
        live.put(a.base, a);
        return a;
    }

    void release(long address) {
        Allocation a = live.remove(address);
        if (a == null) {
            throw new DriverException(Kind.OTHER, "emulator: free of an address that is not a buffer's: " + describe(address));
        }
        used -= a.size;
        a.release();
        gone.put(a.base, a);
    }

    /** The live buffer that holds all of these bytes, or null. */
    Allocation find(long address, long bytes) {
        Map.Entry<Long, Allocation> e = live.floorEntry(address);
        if (e == null) {
            return null;
        }
        Allocation a = e.getValue();
        return address - a.base <= a.size - bytes ? a : null;
    }

    /** As {@link #find}, for the host's calls. */
    Allocation require(long address, long bytes, String call) {
        Allocation a = find(address, bytes);
        if (a == null) {
            throw new DriverException(Kind.OTHER, "emulator: " + call + " of " + bytes + " bytes at " + describe(address));
        }
        return a;
    }

    /** An address in words, relative to the nearest buffer. */
    String describe(long address) {
        String hex = "0x" + Long.toHexString(address);
        if (address >= 0 && address < 4096) {
            return "null pointer " + hex;
        }
        Allocation best = null;
        long distance = Long.MAX_VALUE;
        Map.Entry<Long, Allocation> below = live.floorEntry(address);
        Map.Entry<Long, Allocation> above = live.ceilingEntry(address);
        if (below != null) {
            Allocation a = below.getValue();
            best = a;
            distance = Math.max(0, address - a.base - a.size);
        }
        if (above != null && above.getKey() - address < distance) {
            best = above.getValue();
            distance = above.getKey() - address;
        }
        for (Allocation a : gone.values()) {
            if (address >= a.base && address < a.base + a.size) {
                return hex + ", " + (address - a.base) + " bytes into " + a + " that has been freed";
            }
        }
        if (best == null) {
            return hex + ", where no buffer is near";
        }
        long offset = address - best.base;
        if (offset < 0) {
            return hex + ", " + -offset + " bytes before the start of " + best;
        }
        return offset >= best.size ? hex + ", " + (offset - best.size) + " bytes after the end of " + best : hex + ", " + offset + " bytes into " + best;
    }
}
