package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.MatrixLibraries;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Op;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Which candidate each op takes on operands of given types: chosen when it is first asked for, the same from then on. Thread-safe. */
final class Choices {
    private record Key(Op op, List<TensorType> in) {}

    private final Target target;
    private final Selection selection;
    private final MatrixLibraries libraries;
    private final Map<Key, Candidate> chosen = new HashMap<>();

    Choices(Target target, MatrixLibraries libraries, Selection selection) {
        this.target = target;
        this.libraries = libraries;
        this.selection = selection;
    }

    synchronized <O extends Op> Candidate of(ChoosingKernel<O> kernel, O op, List<TensorType> in) {
        Key key = new Key(op, List.copyOf(in));
        Candidate known = chosen.get(key);
        if (known == null) {
            List<Candidate> all = new ArrayList<>(kernel.candidates(op, in, target));
            if (selection != Selection.BY_RULE) { // the rule is our own kernels, and asking libraries takes time
                all.addAll(LibraryCandidates.of(libraries, op, in, target));
            }
            known = all.get(selection.choose(op, in, all.stream().map(Candidate::name).toList()));
            chosen.put(key, known);
        }
        return known;
    }
}
