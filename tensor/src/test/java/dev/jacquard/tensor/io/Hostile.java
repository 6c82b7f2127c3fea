package dev.jacquard.tensor.io;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.jacquard.tensor.DataException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.function.Function;

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

    /**
     * Opens and reads a file that may be damaged. It is read or refused as the caller's fault, in one line; nothing else may come out, and no large allocation.
     *
     * @param round for messages
     * @param allowed bytes of the heap
     * @return whether it could be opened
     */
    static boolean survives(Path path, Function<Path, TensorFile> open, int round, long allowed) {
        boolean[] fine = new boolean[1];
        long allocated = allocated(() -> {
            try (TensorFile f = open.apply(path)) {
                readAll(f);
                fine[0] = true;
            } catch (DataException e) {
                assertFalse(e.getMessage().chars().anyMatch(Character::isISOControl), () -> "round " + round + ": " + e.getMessage());
            } catch (RuntimeException | Error e) {
                throw new AssertionError("round " + round, e);
            }
        });
        assertTrue(allocated < allowed, "round " + round + ": " + allocated + " bytes allocated");
        return fine[0];
    }

    /** Bytes of the heap that this thread allocates. */
    static long allocated(Runnable body) {
        ThreadMXBean bean = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = bean.getCurrentThreadAllocatedBytes();
        body.run();
        return bean.getCurrentThreadAllocatedBytes() - before;
    }
}
