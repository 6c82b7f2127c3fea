package dev.jacquard.emulator;

import dev.jacquard.emulator.ptx.Instruction;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Executes launches: block after block, a block's warps in turn from barrier to barrier, or to a wait that fails. Used by one thread at a time. */
final class Machine {
    /** How often all warps that have not ended ask in vain, before they count as waiting for ever. */
    private static final int PATIENCE = 1000;
    private final DeviceMemory memory;
    private final EmulatorOptions options;
    private final SharedMemory shared = new SharedMemory();
    private final GlobalRaces globalRaces = new GlobalRaces();
    private final Mbarriers mbarriers = new Mbarriers();
    private final Warpgroups warpgroups = new Warpgroups();
    private byte[] parameters = new byte[0];

    private Program program;
    private final int[] grid = new int[3];
    private final int[] block = new int[3];
    private final int[] at = new int[3];
    private int threads;
    private Warp[] warps = new Warp[0];
    private int count;
    private long executed;
    private Insn current;
    private Counters counters;
    private final int[] arrivals = new int[16];

    Machine(DeviceMemory memory, EmulatorOptions options) {
        this.memory = memory;
        this.options = options;
    }

    DeviceMemory memory() {
        return memory;
    }

    EmulatorOptions options() {
        return options;
    }

    SharedMemory shared() {
        return shared;
    }

    GlobalRaces globalRaces() {
        return globalRaces;
    }

    Mbarriers mbarriers() {
        return mbarriers;
    }

    /** What counts this launch, or null. */
    Counters counters() {
        return counters;
    }

    Warpgroups warpgroups() {
        return warpgroups;
    }

    /** A warp of the block that runs. */
    Warp warp(int index) {
        return warps[index];
    }

    byte[] parameters() {
        return parameters;
    }

    int localBytes() {
        return program.localBytes;
    }

    /** Warp instructions so far in this launch. */
    long executed() {
        return executed;
    }

    /** Runs a kernel to its end. @param counting what to count with, or null @throws DriverException of kind KERNEL_FAULT */
    void launch(Program p, int[] gridSize, int[] blockSize, int dynamicShared, byte[] values, Counters counting) {
        program = p;
        counters = counting;
        parameters = values;
        executed = 0;
        System.arraycopy(gridSize, 0, grid, 0, 3);
        System.arraycopy(blockSize, 0, block, 0, 3);
        threads = block[0] * block[1] * block[2];
        count = (threads + Warp.LANES - 1) / Warp.LANES;
        shared.resize(p.sharedBytes + dynamicShared, p.narrowestShared);
        globalRaces.launch(p.narrowestGlobal, options.races() ? (long) grid[0] * grid[1] * grid[2] : 0);
        takeWarps(p);
        constants(dynamicShared);
        for (at[2] = 0; at[2] < grid[2]; at[2]++) {
            for (at[1] = 0; at[1] < grid[1]; at[1]++) {
                for (at[0] = 0; at[0] < grid[0]; at[0]++) {
                    runBlock();
                }
            }
        }
    }

    private void takeWarps(Program p) {
        List<Warp> idle = p.idle;
        if (warps.length < count) {
            warps = new Warp[count];
        }
        for (int i = 0; i < count; i++) {
            if (i == idle.size()) {
                idle.add(p.warp(this, i));
            }
            warps[i] = idle.get(i);
        }
    }

    /** Sets the special registers that blocks do not change. Most launches of a kernel have the shape of the one before. */
    private void constants(int dynamicShared) {
        if (program.lastShape != null && Arrays.equals(program.lastShape, 0, 7, new int[] {grid[0], grid[1], grid[2], block[0], block[1], block[2], dynamicShared}, 0, 7)
                && program.lastWarps >= count) {
            return;
        }
        program.lastShape = new int[] {grid[0], grid[1], grid[2], block[0], block[1], block[2], dynamicShared};
        program.lastWarps = count;
        for (Map.Entry<String, Integer> e : program.specials.entrySet()) {
            Special kind = Special.of(e.getKey());
            if (kind == null) {
                throw new DriverException(Kind.INVALID_PTX, "emulator: kernel " + program.function.name() + " reads the special register " + e.getKey() + ", which is not known");
            }
            for (int i = 0; i < count; i++) {
                int[] to = warps[i].r[e.getValue()];
                for (int lane = 0; lane < to.length; lane++) {
                    to[lane] = special(kind, i, lane, dynamicShared);
                }
            }
        }
    }

    private int special(Special kind, int warp, int lane, int dynamicShared) {
        int thread = warp * Warp.LANES + lane;
        return switch (kind) {
            case TID_X -> thread % block[0];
            case TID_Y -> thread / block[0] % block[1];
            case TID_Z -> thread / block[0] / block[1];
            case NTID_X -> block[0];
            case NTID_Y -> block[1];
            case NTID_Z -> block[2];
            case CTAID_X, CTAID_Y, CTAID_Z, SMID, GRIDID -> 0;
            case NCTAID_X -> grid[0];
            case NCTAID_Y -> grid[1];
            case NCTAID_Z -> grid[2];
            case LANEID -> lane;
            case WARPID -> warp;
            case NWARPID -> 64;
            case NSMID -> EmulatorDriver.MULTIPROCESSORS;
            case LANEMASK_EQ -> 1 << lane;
            case LANEMASK_LT -> (1 << lane) - 1;
            case LANEMASK_LE -> (2 << lane) - 1;
            case LANEMASK_GT -> -(2 << lane);
            case LANEMASK_GE -> -(1 << lane);
            case DYNAMIC_SMEM_SIZE -> dynamicShared;
            case TOTAL_SMEM_SIZE -> program.sharedBytes + dynamicShared;
        };
    }

    private void runBlock() {
        shared.start();
        mbarriers.start();
        warpgroups.start();
        globalRaces.start(at[0] + grid[0] * (at[1] + grid[1] * at[2]));
        for (int k = 0; k < 3; k++) {
            int slot = program.blockIndex[k];
            for (int i = 0; slot >= 0 && i < count; i++) {
                Arrays.fill(warps[i].r[slot], at[k]);
            }
        }
        for (int i = 0; i < count; i++) {
            int left = threads - i * Warp.LANES;
            warps[i].start(left >= Warp.LANES ? -1 : (1 << left) - 1, program.blocks.length);
        }
        long changes = 0;
        int idle = 0;
        while (true) {
            int done = 0;
            Warp polling = null;
            for (int i = 0; i < count; i++) {
                Warp w = warps[i];
                if (w.state == Warp.RUNNING) {
                    turn(w);
                    polling = w.state == Warp.RUNNING ? w : polling;
                }
                done += w.state == Warp.DONE ? 1 : 0;
            }
            if (done == count) {
                unfinished();
                return;
            }
            idle = barriers(polling != null) || changes != mbarriers.changes() ? 0 : idle + 1;
            changes = mbarriers.changes();
            if (idle > PATIENCE) {
                current = polling.polls;
                throw fault(polling, polling.polls.deadlock(polling));
            }
        }
    }

    private void turn(Warp w) {
        try {
            run(w);
        } catch (Fault f) {
            throw fault(w, f);
        } catch (IndexOutOfBoundsException | NullPointerException | ArithmeticException | ClassCastException e) {
            throw new DriverException(Kind.OTHER, "emulator: a bug of the emulator itself at " + (current == null ? "?" : current.source) + " in kernel "
                    + program.function.name(), e);
        }
    }

    /** The block has ended: no bulk copy, nor product of a warpgroup, may still be under way. */
    private void unfinished() {
        int behind = warpgroups.behind(count);
        if (behind >= 0) {
            current = warpgroups.missed(behind);
            throw fault(warps[behind], new Fault(0, "wgmma: the warp has ended without this product of its warpgroup"));
        }
        BulkCopy.Flight flight = mbarriers.anyFlight();
        if (flight != null) {
            current = flight.by();
            throw fault(flight.warp(), new Fault(flight.lane(), "the block has ended and nobody has waited for this copy"));
        }
        for (int i = 0; i < count; i++) {
            Insn product = warps[i].products == null ? null : warps[i].products.any();
            if (product != null) {
                current = product;
                throw fault(warps[i], new Fault(0, "the block has ended and the warp has not waited for this wgmma"));
            }
            BulkGroups.Out out = warps[i].bulksOrNull() == null ? null : warps[i].bulksOrNull().any();
            if (out != null) {
                current = out.by();
                throw fault(warps[i], new Fault(out.lane(), "the block has ended and the thread has not waited for this copy to have read shared memory"));
            }
        }
    }

    /** Lets those warps go on whose barrier is complete. @param polling whether other warps wait at mbarriers @return whether there is one */
    private boolean barriers(boolean polling) {
        boolean moved = false;
        for (int i = 0; i < count; i++) {
            Warp w = warps[i];
            if (w.state == Warp.AT_BARRIER) {
                int expected = w.barrierThreads < 0 ? threads : w.barrierThreads;
                int arrived = arrivals[w.barrier];
                for (int k = 0; k < count; k++) {
                    if (warps[k].state == Warp.AT_BARRIER && warps[k].barrier == w.barrier) {
                        arrived += Integer.bitCount(warps[k].alive);
                    }
                }
                if (arrived >= expected) {
                    release(w.barrier);
                    moved = true;
                }
            }
        }
        if (!moved && !polling) {
            Warp w = Arrays.stream(warps, 0, count).filter(x -> x.state == Warp.AT_BARRIER).findFirst().orElseThrow();
            current = program.blocks[w.pathBlock[w.depth - 1] - 1].last;
            int exited = threads - Arrays.stream(warps, 0, count).mapToInt(x -> Integer.bitCount(x.alive)).sum();
            String why = exited > 0 ? exited + " of the block's " + threads + " threads have exited" : "the block's other threads wait elsewhere";
            throw fault(w, new Fault(Integer.numberOfTrailingZeros(w.alive), "divergent barrier: " + why));
        }
        return moved;
    }

    private void release(int id) {
        int sum = 0;
        boolean all = true;
        for (int k = 0; k < count; k++) {
            Warp w = warps[k];
            if (w.state == Warp.AT_BARRIER && w.barrier == id && w.waitingAt.p() >= 0) {
                int p = (w.waitingAt.not() ? ~w.p[w.waitingAt.p()] : w.p[w.waitingAt.p()]) & w.alive;
                sum += Integer.bitCount(p);
                all &= p == w.alive;
            }
        }
        for (int k = 0; k < count; k++) {
            Warp w = warps[k];
            if (w.state == Warp.AT_BARRIER && w.barrier == id) {
                switch (w.waitingAt.reduce()) {
                    case 'p' -> Arrays.fill(w.r[w.waitingAt.d()], sum);
                    case 'a' -> w.p[w.waitingAt.d()] = all ? -1 : 0;
                    case 'o' -> w.p[w.waitingAt.d()] = sum > 0 ? -1 : 0;
                    default -> { }
                }
                w.state = Warp.RUNNING;
            }
        }
        arrivals[id] = 0;
        shared.barrier();
    }

    /** Runs a warp until it ends or waits. */
    private void run(Warp w) {
        w.polls = null;
        Block[] blocks = program.blocks;
        while (true) {
            int top = w.depth - 1;
            if (top < 0 || w.alive == 0) {
                w.state = Warp.DONE;
                return;
            }
            int b = w.pathBlock[top];
            int mask = w.pathMask[top] & w.alive;
            if (b == w.pathEnd[top] || mask == 0) {
                w.depth--;
                continue;
            }
            Block here = blocks[b];
            for (Insn i : here.code) {
                current = i;
                int m = i.guarded(w, mask);
                if (m != 0) {
                    if (counters != null) {
                        counters.instruction(w, i, m);
                    }
                    if (w.products != null) {
                        w.products.before(i, Integer.numberOfTrailingZeros(m));
                    }
                    i.run(w, m);
                }
            }
            executed += here.code.length + 1;
            if (executed > options.instructionBudget()) {
                current = here.last != null ? here.last : here.code.length > 0 ? here.code[0] : null;
                throw new Fault(Integer.numberOfTrailingZeros(mask), "endless loop: more than " + options.instructionBudget() + " warp instructions in one launch");
            }
            follow(w, here, b, mask);
            if (w.state != Warp.RUNNING || w.polls != null) {
                return;
            }
        }
    }

    private void follow(Warp w, Block here, int b, int mask) {
        int top = w.depth - 1;
        int taken = here.last == null ? mask : here.last.guarded(w, mask);
        if (counters != null && here.last != null) {
            counters.instruction(w, here.last, mask);
            if (taken != mask && taken != 0 && here.flow instanceof Flow.Branch) {
                counters.divergence();
            }
        }
        switch (here.flow) {
            case Flow.Next() -> w.pathBlock[top] = b + 1;
            case Flow.Branch(int target) -> {
                if (taken == mask) {
                    w.pathBlock[top] = target;
                } else if (taken == 0) {
                    w.pathBlock[top] = b + 1;
                } else {
                    diverge(w, here.join, b + 1, mask & ~taken, target, taken);
                }
            }
            case Flow.Table(int register, int[] targets) -> table(w, here, mask, register, targets);
            case Flow.Exit() -> {
                w.alive &= ~taken;
                w.pathBlock[top] = b + 1;
            }
            case Flow.Trap() -> {
                if (taken != 0) {
                    current = here.last;
                    Instruction source = here.last.source;
                    String what = source.has("undefined") ? "call of the undefined function " + source.modifiers().get(1) : "trap";
                    throw new Fault(Integer.numberOfTrailingZeros(taken), what);
                }
                w.pathBlock[top] = b + 1;
            }
            case Flow.Barrier barrier -> barrier(w, here, b, mask, taken, barrier);
        }
    }

    private void barrier(Warp w, Block here, int b, int mask, int taken, Flow.Barrier barrier) {
        w.pathBlock[w.depth - 1] = b + 1;
        if (taken == 0) {
            return;
        }
        current = here.last;
        if (taken != w.alive) {
            int elsewhere = w.alive & ~taken;
            throw new Fault(Integer.numberOfTrailingZeros(taken), "divergent barrier: lane " + Integer.numberOfTrailingZeros(elsewhere) + " of the same warp is elsewhere");
        }
        int lane = Integer.numberOfTrailingZeros(taken);
        w.barrier = w.r[barrier.id()][lane] & 15;
        w.barrierThreads = barrier.threads() < 0 ? -1 : w.r[barrier.threads()][lane];
        if (barrier.arrive()) {
            arrivals[w.barrier] += Integer.bitCount(w.alive);
        } else {
            w.waitingAt = barrier;
            w.state = Warp.AT_BARRIER;
        }
    }

    private void diverge(Warp w, int join, int first, int firstMask, int second, int secondMask) {
        int top = w.depth - 1;
        if (w.pathEnd[top] == join) {
            w.depth--; // what would wait here at the join already waits below
        } else {
            w.pathBlock[top] = join;
        }
        if (first != join) {
            w.push(first, join, firstMask);
        }
        if (second != join) {
            w.push(second, join, secondMask);
        }
    }

    private void table(Warp w, Block here, int mask, int register, int[] targets) {
        int top = w.depth - 1;
        if (w.pathEnd[top] == here.join) {
            w.depth--;
        } else {
            w.pathBlock[top] = here.join;
        }
        int left = mask;
        while (left != 0) {
            int lane = Integer.numberOfTrailingZeros(left);
            int index = w.r[register][lane];
            if (index < 0 || index >= targets.length) {
                current = here.last;
                throw new Fault(lane, "branch index " + index + " beyond its table of " + targets.length);
            }
            int same = 0;
            for (int m = left; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                same |= w.r[register][i] == index ? 1 << i : 0;
            }
            w.push(targets[index], here.join, same);
            left &= ~same;
        }
    }

    /** A thread's index in its block, as three numbers. */
    String threadName(int thread) {
        return "(" + thread % block[0] + "," + thread / block[0] % block[1] + "," + thread / block[0] / block[1] + ")";
    }

    private DriverException fault(Warp w, Fault f) {
        int thread = w.index * Warp.LANES + Math.max(0, f.lane());
        Instruction in = current == null ? null : current.source;
        String where = in == null ? "" : ", at " + in + " (" + program.function.module().name() + ".ptx:" + in.line() + (in.location() == null ? "" : ", " + in.location()) + ")";
        return new DriverException(Kind.KERNEL_FAULT, "kernel %s, block (%d,%d,%d), thread %s: %s%s".formatted(program.function.name(), at[0], at[1], at[2],
                threadName(thread), f.getMessage(), where));
    }
}
