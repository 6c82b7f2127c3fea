package dev.jacquard.emulator;

import java.util.BitSet;

/**
 * Finds accesses to the same bytes of global memory by different blocks of a launch, of which at least one writes and not both are atomic: on a device their order is not
 * defined, and here it happens to be that of the blocks' indexes. A block may read what another wrote if that one has executed a fence, and this one an atomic: the way in
 * which a last block collects what the others left. Threads of one block are not told apart, and buffers that are very large are not watched.
 */
final class GlobalRaces {
    private static final int PAGE = 12;
    /** The marks of a larger buffer would take more memory than there may be. */
    private static final int LARGEST = 256 << 20;
    /** Marks are twice a block's number and a bit; beyond this they would overflow, after a billion blocks, and races are no longer looked for. */
    private static final int LAST = Integer.MAX_VALUE / 2 - 1;

    /** For each grain of a buffer who wrote it last, and who read it: numbers of blocks that go on from launch to launch, so that nothing needs to be cleared. */
    static final class Marks {
        private final int[][] writer;
        private final int[][] reader;
        /** Grains of a page: of most buffers there is one, and it is small. */
        private final int page;

        Marks(int bytes) {
            page = Math.min(bytes, 1 << PAGE);
            int pages = (bytes >> PAGE) + 1; // enough for grains of one byte
            writer = new int[pages][];
            reader = new int[pages][];
        }

        private int[] page(int[][] pages, int g) {
            int[] p = pages[g >> PAGE];
            if (p == null) {
                p = new int[page];
                pages[g >> PAGE] = p;
            }
            return p;
        }
    }

    private final BitSet fenced = new BitSet();
    private int first = 1;
    private int blocks;
    /** Readers of several blocks of this launch: a number that none of them has. */
    private int many;
    private int block;
    private int grain;
    private boolean atomicSeen;
    private boolean enabled;

    /** A new launch. @param narrowest bytes of the kernel's narrowest access @param count blocks of the launch */
    void launch(int narrowest, long count) {
        grain = Integer.numberOfTrailingZeros(narrowest);
        fenced.clear();
        enabled = count > 1 && first + (long) blocks + count < LAST;
        first += blocks;
        blocks = enabled ? (int) count + 1 : 0;
        many = first + (int) count;
    }

    /** Whether races in a buffer are looked for in this launch. */
    boolean watches(Allocation buffer) {
        return enabled && buffer.size <= LARGEST;
    }

    /** A new block. @param index of the block in its launch */
    void start(int index) {
        block = first + index;
        atomicSeen = false;
    }

    /** The block executes a fence: what it wrote may be read by others. */
    void fence() {
        fenced.set(block - first);
    }

    private boolean handedOver(int other) {
        return atomicSeen && (other == many || fenced.get(other - first));
    }

    /** Notes an access. @return null, or a word about the other access that it races with */
    String access(Marks marks, int offset, int bytes, boolean reads, boolean writes) {
        int end = offset + bytes - 1 >> grain;
        boolean atomic = reads && writes;
        atomicSeen |= atomic;
        int me = atomic ? 2 * block + 1 : 2 * block;
        String race = null;
        for (int g = offset >> grain; g <= end; g++) {
            int at = g & (1 << PAGE) - 1;
            int[] writers = marks.page(marks.writer, g);
            int w = writers[at];
            boolean others = w >= 2 * first && w >> 1 != block && !(atomic && (w & 1) != 0);
            if (others && !handedOver(w >> 1)) {
                race = "a write by block " + ((w >> 1) - first);
            }
            int[] readers = marks.page(marks.reader, g);
            if (writes) {
                int r = readers[at];
                if (r >= first && r != block && !handedOver(r)) {
                    race = r == many ? "reads by several blocks" : "a read by block " + (r - first);
                }
                writers[at] = me;
            } else {
                readers[at] = readers[at] < first || readers[at] == block ? block : many;
            }
        }
        return race;
    }
}
