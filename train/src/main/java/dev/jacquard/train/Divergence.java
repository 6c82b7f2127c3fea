package dev.jacquard.train;

import dev.jacquard.tensor.Elements;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.Optional;

/** Finds out where a step left the numbers. */
final class Divergence {
    private Divergence() {}

    /** The first variable whose value is not finite. */
    static Optional<Variable> firstBad(State state, Collection<Variable> variables) {
        return variables.stream().filter(v -> v.type().dtype().isFloating() && bad(View.of(state.buffer(v), v.type()))).findFirst();
    }

    /** In words, the first value of a computed step that is not finite: a variable from the step before, or an op, found by computing the step again. */
    static String firstBad(Plan plan) {
        Optional<Variable> variable = firstBad(plan.state(), plan.graph().variables());
        if (variable.isPresent()) {
            return "the value of " + variable.get().name() + " after the step before";
        }
        String[] found = {"no op, when the step was computed again"};
        plan.compute((node, views) -> {
            boolean bad = views.stream().anyMatch(v -> v.dtype().isFloating() && bad(v));
            if (bad) {
                found[0] = "op " + node.op().name() + (node.label().isEmpty() ? "" : " in " + node.label()) + ", node #" + node.id();
            }
            return !bad;
        });
        return found[0];
    }

    private static boolean bad(View view) {
        long elements = view.shape().size();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(Math.max(elements * view.dtype().bytes(), 1), 8).asSlice(0, elements * view.dtype().bytes());
            view.buffer().download(view.layout().offset() * view.dtype().bytes(), host);
            for (long i = 0; i < elements; i++) {
                if (!Double.isFinite(Elements.get(host, view.dtype(), i))) {
                    return true;
                }
            }
            return false;
        }
    }
}
