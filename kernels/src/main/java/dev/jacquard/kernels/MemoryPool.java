package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.kernels.driver.DriverException;
import it.unimi.dsi.fastutil.longs.Long2LongOpenHashMap;
import it.unimi.dsi.fastutil.longs.LongArrayList;
import java.util.Map;
import java.util.TreeMap;

/**
 * Device memory that is kept when it is freed, since the driver's own allocation waits for the device. Sizes are rounded up so that few distinct ones occur: to
 * 512 bytes, and above 1 MiB to an eighth of the power of two below. All users work in one stream, so memory may be handed on at once.
 */
final class MemoryPool implements AutoCloseable {
    private static final long GRAIN = 512;
    private static final long LARGE = 1 << 20;

    private final Driver driver;
    private final boolean caching;
    private final Long2LongOpenHashMap sizes = new Long2LongOpenHashMap();
    private final TreeMap<Long, LongArrayList> free = new TreeMap<>();

    /** @param caching false to give each allocation and release to the driver, as checkers of memory want */
    MemoryPool(Driver driver, boolean caching) {
        this.driver = driver;
        this.caching = caching;
    }

    synchronized long allocate(long bytes) {
        if (!caching) {
            return driver.allocate(bytes);
        }
        long size = rounded(bytes);
        LongArrayList same = free.get(size);
        if (same != null && !same.isEmpty()) {
            return same.removeLong(same.size() - 1);
        }
        long address = fresh(size);
        sizes.put(address, size);
        return address;
    }

    private long fresh(long size) {
        try {
            return driver.allocate(size);
        } catch (DriverException e) {
            if (e.kind() != DriverException.Kind.OUT_OF_MEMORY || free.isEmpty()) {
                throw e;
            }
            trim();
            return driver.allocate(size);
        }
    }

    synchronized void free(long address) {
        if (caching) {
            free.computeIfAbsent(sizes.get(address), _ -> new LongArrayList()).add(address);
        } else {
            driver.free(address);
        }
    }

    /** Gives everything that is not in use back to the driver. */
    synchronized void trim() {
        for (Map.Entry<Long, LongArrayList> e : free.entrySet()) {
            e.getValue().forEach(address -> {
                sizes.remove(address);
                driver.free(address);
            });
        }
        free.clear();
    }

    static long rounded(long bytes) {
        long grain = bytes <= LARGE ? GRAIN : Math.max(GRAIN, Long.highestOneBit(bytes) / 8);
        return (bytes + grain - 1) / grain * grain;
    }

    @Override
    public void close() {
        trim();
    }
}
