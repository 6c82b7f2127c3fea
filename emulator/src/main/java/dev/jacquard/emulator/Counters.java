package dev.jacquard.emulator;

import dev.jacquard.emulator.LaunchStats.Kind;
import dev.jacquard.emulator.LaunchStats.Requests;
import dev.jacquard.emulator.ptx.Instruction;
import dev.jacquard.emulator.ptx.PtxType;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.Map;

/** Counts one launch. */
final class Counters {
    private static final int SECTOR = 32;
    private static final int BANKS = 32;
    private static final int WORD = 4;
    /** Enough for the length of an access, 64 bytes at most. */
    private static final int LENGTH_BITS = 7;

    /** Bytes of a buffer that the launch read and wrote. */
    private record Marks(long[] read, long[] written) {}

    private final long[] instructions = new long[Kind.values().length];
    private final Map<Allocation, Marks> touched = new IdentityHashMap<>();
    private final long[] addresses = new long[Warp.LANES];
    private final int[] lengths = new int[Warp.LANES];
    private Requests loads = Requests.NONE;
    private Requests stores = Requests.NONE;
    private long atomics;
    private long sharedRequests;
    private long sharedWavefronts;
    private long bankConflicts;
    private long divergent;

    /** An instruction that is about to be executed for some lanes. */
    void instruction(Warp w, Insn i, int mask) {
        instructions[i.kind.ordinal()]++;
        for (Access a : i.accesses()) {
            access(w, a, mask);
        }
    }

    void divergence() {
        divergent++;
    }

    /** Takes lanes apart by the space that they go to; a generic access may go to several. */
    private void access(Warp w, Access a, int mask) {
        int global = 0;
        int shared = 0;
        for (int m = mask; m != 0; m &= m - 1) {
            int i = Integer.numberOfTrailingZeros(m);
            lengths[i] = a.length(w, i);
            if (lengths[i] <= 0) {
                continue;
            }
            long address = a.address(w, i);
            switch (a.space) {
                case GLOBAL -> global |= 1 << i;
                case SHARED -> shared |= 1 << i;
                case GENERIC -> {
                    if (Windows.in(Windows.SHARED, address)) {
                        address -= Windows.SHARED;
                        shared |= 1 << i;
                    } else if (!Windows.in(Windows.LOCAL, address) && !Windows.in(Windows.PARAM, address)) {
                        global |= 1 << i;
                    }
                }
                default -> { }
            }
            addresses[i] = address;
        }
        if (global != 0) {
            global(w, a, global);
        }
        if (shared != 0) {
            shared(a.bytes, shared);
        }
    }

    private void global(Warp w, Access a, int mask) {
        for (int m = mask; m != 0; m &= m - 1) {
            int i = Integer.numberOfTrailingZeros(m);
            mark(w, a, addresses[i], lengths[i]);
        }
        if (a.reads() && a.writes()) {
            atomics += Integer.bitCount(mask);
            return;
        }
        long[] starts = sorted(mask);
        long bytes = 0;
        long sectors = 0;
        long end = 0;
        long lastSector = -1;
        for (long packed : starts) {
            long s = packed >> LENGTH_BITS;
            long after = s + (packed & (1 << LENGTH_BITS) - 1);
            long from = Math.max(s, end);
            end = Math.max(end, after);
            bytes += Math.max(0, end - from);
            for (long t = s / SECTOR; t <= (after - 1) / SECTOR; t++) {
                if (t > lastSector) {
                    sectors++;
                    lastSector = t;
                }
            }
        }
        Requests one = new Requests(1, bytes, sectors, (bytes + SECTOR - 1) / SECTOR);
        if (a.writes()) {
            stores = stores.plus(one);
        } else {
            loads = loads.plus(one);
        }
    }

    /** Addresses in order, each with its length in the low bits. */
    private long[] sorted(int mask) {
        long[] out = new long[Integer.bitCount(mask)];
        int n = 0;
        for (int m = mask; m != 0; m &= m - 1) {
            int i = Integer.numberOfTrailingZeros(m);
            out[n++] = addresses[i] << LENGTH_BITS | lengths[i];
        }
        Arrays.sort(out);
        return out;
    }

    private Marks marks(Allocation of) {
        return touched.computeIfAbsent(of, x -> new Marks(new long[(int) (x.size + 63 >> 6)], new long[(int) (x.size + 63 >> 6)]));
    }

    /** A row of bytes that a bulk copy reads or writes: a request of its own. */
    void bulk(Allocation of, int offset, int bytes, boolean writes) {
        Bits.set(writes ? marks(of).written() : marks(of).read(), offset, offset + bytes);
        long sectors = (offset + bytes - 1) / SECTOR - offset / SECTOR + 1;
        Requests one = new Requests(1, bytes, sectors, (bytes + SECTOR - 1) / SECTOR);
        if (writes) {
            stores = stores.plus(one);
        } else {
            loads = loads.plus(one);
        }
    }

    private void mark(Warp w, Access a, long address, int length) {
        Allocation hit = w.machine.memory().find(address, length);
        if (hit == null) {
            return; // the access itself will say so
        }
        Marks marks = marks(hit);
        int o = (int) (address - hit.base);
        if (a.reads()) {
            Bits.set(marks.read(), o, o + length);
        }
        if (a.writes()) {
            Bits.set(marks.written(), o, o + length);
        }
    }

    /** Wide accesses are served in parts, of half a warp or a quarter; lanes that want the same word share it. */
    private void shared(int bytes, int mask) {
        sharedRequests++;
        int lanes = bytes <= WORD ? Warp.LANES : Warp.LANES * WORD / bytes;
        for (int first = 0; first < Warp.LANES; first += lanes) {
            int part = lanes == Warp.LANES ? mask : mask & (1 << lanes) - 1 << first;
            if (part != 0) {
                int passes = passes(part, bytes);
                sharedWavefronts += passes;
                bankConflicts += passes - 1;
            }
        }
    }

    /** A read of chunks of 16 bytes at once, by {@code wgmma}. */
    void core(int[] chunks) {
        int[] perBanks = new int[BANKS / 4];
        int passes = 0;
        for (int address : chunks) {
            passes = Math.max(passes, ++perBanks[(address >> 4) % perBanks.length]);
        }
        sharedRequests++;
        sharedWavefronts += passes;
        bankConflicts += passes - 1;
    }

    private int passes(int mask, int bytes) {
        long[] words = new long[Integer.bitCount(mask) * Math.max(1, bytes / WORD)];
        int n = 0;
        for (int m = mask; m != 0; m &= m - 1) {
            long a = addresses[Integer.numberOfTrailingZeros(m)];
            for (int k = 0; k < Math.max(1, bytes / WORD); k++) {
                words[n++] = a / WORD + k;
            }
        }
        Arrays.sort(words);
        int[] perBank = new int[BANKS];
        int most = 0;
        for (int k = 0; k < n; k++) {
            if (k == 0 || words[k] != words[k - 1]) {
                most = Math.max(most, ++perBank[(int) (words[k] % BANKS)]);
            }
        }
        return most;
    }

    LaunchStats stats(String kernel, long blocks, long threads) {
        Map<Kind, Long> byKind = new EnumMap<>(Kind.class);
        for (Kind k : Kind.values()) {
            byKind.put(k, instructions[k.ordinal()]);
        }
        long read = 0;
        long written = 0;
        for (Marks m : touched.values()) {
            read += Arrays.stream(m.read()).map(Long::bitCount).sum();
            written += Arrays.stream(m.written()).map(Long::bitCount).sum();
        }
        return new LaunchStats(kernel, 1, blocks, threads, byKind, loads, stores, read, written, atomics, sharedRequests, sharedWavefronts, bankConflicts, divergent);
    }

    /** An instruction's class. */
    static Kind kind(Instruction in) {
        return switch (in.opcode()) {
            case "ld", "ldu", "st", "atom", "red", "prefetch", "prefetchu", "ldmatrix", "stmatrix" -> Kind.MEMORY;
            case "cp" -> in.has("commit_group") || in.has("wait_group") || in.has("wait_all") ? Kind.BARRIER : Kind.MEMORY;
            case "bra", "brx", "ret", "exit", "trap", "call" -> Kind.CONTROL;
            case "shfl", "vote", "match", "redux", "activemask", "elect", "movmatrix" -> Kind.SHUFFLE;
            case "bar", "barrier", "membar", "fence", "mbarrier" -> Kind.BARRIER;
            case "rcp", "sqrt", "rsqrt", "ex2", "lg2", "sin", "cos", "tanh" -> Kind.SPECIAL;
            case "mov", "cvt", "cvta", "selp", "slct", "prmt" -> Kind.MOVE;
            case "mma", "wmma" -> Kind.TENSOR;
            case "wgmma" -> in.has("mma_async") ? Kind.TENSOR : Kind.BARRIER;
            case "div" -> in.type().floating() ? Kind.SPECIAL : Kind.INTEGER;
            default -> {
                boolean floating = in.modifiers().stream().map(PtxType::of).anyMatch(t -> t != null && t.floating());
                yield floating ? Kind.FLOAT : Kind.INTEGER;
            }
        };
    }
}
