package dev.jacquard.kernels;

import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Op;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Which candidate each op takes on operands of given types: chosen when it is first asked for, the same from then on. Thread-safe. */
final class Choices {
    private record Key(Op op, List<TensorType> in) {}

    private final Target target;
    private final Selection selection;
    private final Map<Key, Candidate> chosen = new HashMap<>();

    Choices(Target target, Selection selection) {
        this.target = target;
        this.selection = selection;
    }

    /** What they are made for. */
    Target target() {
        return target;
    }

    synchronized <O extends Op> Candidate of(ChoosingKernel<O> kernel, O op, List<TensorType> in) {
        Key key = new Key(op, List.copyOf(in));
        Candidate known = chosen.get(key);
        if (known == null) {
            List<Candidate> all = kernel.candidates(op, in, target);
            known = all.get(selection.choose(op, in, all.stream().map(Candidate::name).toList()));
            chosen.put(key, known);
        }
        return known;
    }
}
