package dev.jacquard.emulator;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.MatrixOptions;
import dev.jacquard.tck.Case;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Sample;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Backends on emulators of which the first takes each op's first candidate, the second its second, and so on. They are kept, since reading the text of modules takes longer than
 * small products do.
 *
 * @param tf32 whether they may use TF32
 * @param options of their emulators
 */
record CandidateBackends(boolean tf32, EmulatorOptions options) implements AutoCloseable {
    private record Turn(EmulatorDriver driver, Backend backend) {}

    private record Key(Op op, List<TensorType> in) {}

    /** What is done with a candidate. */
    @FunctionalInterface
    interface Check {
        void on(Backend backend, EmulatorDriver driver, int turn);
    }

    private static final Map<CandidateBackends, List<Turn>> OPEN = new HashMap<>();
    private static final Map<Key, List<String>> NAMES = new HashMap<>();

    /** Runs a check on a backend for each candidate of a sample. @return the candidates' names */
    synchronized Set<String> forEach(Sample sample, DType dtype, Check check) {
        List<Turn> turns = OPEN.computeIfAbsent(this, _ -> new ArrayList<>());
        Sample typed = sample.withDType(dtype);
        Key key = new Key(typed.op(), typed.types());
        boolean done = false;
        try {
            int count = 1;
            for (int i = 0; i < count; i++) {
                if (i == turns.size()) {
                    turns.add(open(i));
                }
                check.on(turns.get(i).backend, turns.get(i).driver, i);
                count = NAMES.get(key).size();
            }
            done = true;
        } finally {
            if (!done) {
                close(); // a fault is for good
            }
        }
        return new TreeSet<>(NAMES.get(key));
    }

    private Turn open(int turn) {
        EmulatorDriver driver = new EmulatorDriver(options);
        MatrixOptions choice = new MatrixOptions(tf32, (op, in, names) -> {
            NAMES.put(new Key(op, List.copyOf(in)), names);
            return Math.min(turn, names.size() - 1);
        });
        return new Turn(driver, new CudaBackend("emulator", driver, false, choice));
    }

    @Override
    public void close() {
        OPEN.getOrDefault(this, List.of()).forEach(t -> t.backend.close());
        OPEN.remove(this);
    }
}
