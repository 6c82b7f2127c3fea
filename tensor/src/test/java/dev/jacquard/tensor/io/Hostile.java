package dev.jacquard.tensor.io;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.jacquard.tensor.DataException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;

/** What is done with files that mean harm. */
final class Hostile {
    private Hostile() {}

    /** Reads all tensors in both ways. The only thing that may be wrong with one is a foreign or integer type, by mutation. */
    static void readAll(TensorFile f) {
        for (String name : f.names()) {
            try {
                f.read(name, MemorySegment.ofArray(new byte[Math.toIntExact(f.type(name).bytes())]));
                f.floats(name);
            } catch (DataException e) {
                assertTrue(e.problem().contains("unsupported") || e.problem().contains("floating"), e.getMessage());
            }
        }
    }

    /** Bytes of the heap that this thread allocates. */
    static long allocated(Runnable body) {
        ThreadMXBean bean = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = bean.getCurrentThreadAllocatedBytes();
        body.run();
        return bean.getCurrentThreadAllocatedBytes() - before;
    }
}
