package dev.jacquard.cpu.x64;

import dev.jacquard.tensor.EngineBugException;
import java.util.ArrayDeque;

/** Vector registers that hold nothing at a point of the code, while it is emitted. */
final class VectorPool {
    private final ArrayDeque<Vec> free = new ArrayDeque<>();

    /** All registers of an instruction set. */
    VectorPool(InstructionSet set) {
        for (int i = 0; i < set.registers(); i++) {
            free.add(set.vec(i));
        }
    }

    /** How many are free. */
    int size() {
        return free.size();
    }

    /** A register to use until it is given back. */
    Vec take() {
        if (free.isEmpty()) {
            throw new EngineBugException("vector pool", "no register left", "0 free", "at least 1", "report this");
        }
        return free.pop();
    }

    /** Some of them. */
    Vec[] take(int count) {
        Vec[] taken = new Vec[count];
        for (int i = 0; i < count; i++) {
            taken[i] = take();
        }
        return taken;
    }

    /** Registers are free again. */
    void give(Vec... registers) {
        for (Vec v : registers) {
            free.push(v);
        }
    }
}
