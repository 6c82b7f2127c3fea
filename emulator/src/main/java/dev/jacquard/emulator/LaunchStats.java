package dev.jacquard.emulator;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a kernel did, counted by the emulator over one launch or several.
 *
 * @param kernel its name
 * @param launches how many launches this is the sum of
 * @param blocks of threads
 * @param threads in all
 * @param instructions executed by warps, by class
 * @param loads reads of global memory, without atomics; of a bulk copy each row is one
 * @param stores writes of global memory, without atomics; as loads
 * @param bytesRead different bytes of global memory that a launch read, summed over launches: what must come from memory when caches are perfect
 * @param bytesWritten different bytes of global memory that a launch wrote, summed over launches
 * @param atomics lanes' atomic operations on global memory
 * @param sharedRequests accesses of warps to shared memory; of wgmma one per core matrix
 * @param sharedWavefronts passes over the 32 banks that these took
 * @param bankConflicts passes beyond those that the widths of the accesses need
 * @param divergentBranches branches that parted a warp's lanes
 */
public record LaunchStats(String kernel, long launches, long blocks, long threads, Map<Kind, Long> instructions, Requests loads, Requests stores, long bytesRead,
        long bytesWritten, long atomics, long sharedRequests, long sharedWavefronts, long bankConflicts, long divergentBranches) {
    /** Classes of instructions. */
    public enum Kind {
        /** Arithmetic and comparisons of floats of any width. */
        FLOAT,
        /** Arithmetic and comparisons of integers, logic, predicates. */
        INTEGER,
        /** Moves, selections and conversions; many of them vanish on a device. */
        MOVE,
        /** Loads, stores and atomics. */
        MEMORY,
        /** Branches and exits. */
        CONTROL,
        /** Exchanges between the lanes of a warp. */
        SHUFFLE,
        /** Barriers and fences. */
        BARRIER,
        /** Reciprocals, roots, exponentials, logarithms, sines, divisions. */
        SPECIAL,
        /** Products of matrices. */
        TENSOR
    }

    /**
     * Accesses of warps to global memory.
     *
     * @param count instructions of warps
     * @param bytes different bytes of each, summed
     * @param sectors 32-byte sectors that each touched, summed
     * @param idealSectors sectors that would be enough for so many bytes
     */
    public record Requests(long count, long bytes, long sectors, long idealSectors) {
        /** None. */
        public static final Requests NONE = new Requests(0, 0, 0, 0);

        /** The sum of two. */
        public Requests plus(Requests o) {
            return new Requests(count + o.count, bytes + o.bytes, sectors + o.sectors, idealSectors + o.idealSectors);
        }

        /** Sectors over ideal sectors; 1 if there are none. */
        public double sectorRatio() {
            return idealSectors == 0 ? 1 : sectors / (double) idealSectors;
        }
    }

    /** Instructions of all classes. */
    public long allInstructions() {
        return instructions.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Sums by kernel, in order of first use. */
    public static List<LaunchStats> byKernel(List<LaunchStats> launches) {
        Map<String, LaunchStats> sums = new LinkedHashMap<>();
        launches.forEach(l -> sums.merge(l.kernel, l, LaunchStats::plus));
        return List.copyOf(sums.values());
    }

    /** The sum of two. */
    public LaunchStats plus(LaunchStats o) {
        Map<Kind, Long> sum = new EnumMap<>(Kind.class);
        instructions.forEach((k, v) -> sum.merge(k, v, Long::sum));
        o.instructions.forEach((k, v) -> sum.merge(k, v, Long::sum));
        return new LaunchStats(kernel, launches + o.launches, blocks + o.blocks, threads + o.threads, sum, loads.plus(o.loads), stores.plus(o.stores), bytesRead + o.bytesRead,
                bytesWritten + o.bytesWritten, atomics + o.atomics, sharedRequests + o.sharedRequests, sharedWavefronts + o.sharedWavefronts, bankConflicts + o.bankConflicts,
                divergentBranches + o.divergentBranches);
    }
}
