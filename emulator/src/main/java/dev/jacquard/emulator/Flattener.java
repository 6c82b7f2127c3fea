package dev.jacquard.emulator;

import dev.jacquard.emulator.ptx.Body;
import dev.jacquard.emulator.ptx.Instruction;
import dev.jacquard.emulator.ptx.Operand;
import dev.jacquard.emulator.ptx.PtxException;
import dev.jacquard.emulator.ptx.PtxFunction;
import dev.jacquard.emulator.ptx.Register;
import dev.jacquard.emulator.ptx.Variable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** Puts called functions in their callers' place, so that a kernel is one list of instructions. */
final class Flattener {
    private static final int DEEPEST = 16;

    private final List<Item> items = new ArrayList<>();

    /**
     * An instruction of the flat list.
     *
     * @param frame names that it sees
     */
    record Item(Instruction instruction, Frame frame) {}

    /** One use of a function: its registers and labels are its own. */
    static final class Frame {
        final PtxFunction function;
        final int depth;
        /** Formal parameters and results: the caller's variables. */
        final Map<Variable, Variable> aliases = new IdentityHashMap<>();
        final Map<Register, Integer> registers = new IdentityHashMap<>();
        /** Where each label is in the flat list. */
        final Map<String, Integer> labels = new HashMap<>();
        Body body;
        /** Where the flat list goes on after the function. */
        int end;

        Frame(PtxFunction function, int depth) {
            this.function = function;
            this.depth = depth;
        }

        Variable resolve(Variable v) {
            return aliases.getOrDefault(v, v);
        }
    }

    List<Item> flatten(PtxFunction kernel) {
        add(new Frame(kernel, 0));
        return items;
    }

    private void add(Frame frame) {
        Body body = frame.function.body();
        frame.body = body;
        Map<Integer, List<String>> at = new HashMap<>();
        body.labels().forEach((label, index) -> at.computeIfAbsent(index, i -> new ArrayList<>()).add(label));
        for (int i = 0; i <= body.instructions().size(); i++) {
            for (String label : at.getOrDefault(i, List.of())) {
                frame.labels.put(label, items.size());
            }
            if (i == body.instructions().size()) {
                break;
            }
            Instruction in = body.instructions().get(i);
            if (in.opcode().equals("call")) {
                call(in, frame);
            } else {
                items.add(new Item(in, frame));
            }
        }
        frame.end = items.size();
    }

    private void call(Instruction in, Frame frame) {
        List<Operand> operands = in.operands();
        int at = operands.getFirst() instanceof Operand.Group ? 1 : 0;
        if (!(operands.get(at) instanceof Operand.Name(String name)) || in.guard() != null) {
            throw new PtxException(in.line(), "the emulator knows only direct, unconditional calls: " + in);
        }
        PtxFunction callee = frame.function.module().functions().get(name);
        if (callee == null || callee.declaredOnly()) {
            items.add(new Item(new Instruction(null, false, "trap", List.of("undefined", name), List.of(), in.line(), in.location()), frame));
            return;
        }
        if (frame.depth == DEEPEST) {
            throw new PtxException(in.line(), "calls nest deeper than " + DEEPEST + ": recursion is not supported: " + in);
        }
        Frame inner = new Frame(callee, frame.depth + 1);
        if (at == 1) {
            bind(callee.results(), operands.get(0), frame, inner, in);
        }
        if (operands.size() > at + 1) {
            bind(callee.parameters(), operands.get(at + 1), frame, inner, in);
        }
        add(inner);
    }

    private static void bind(List<Variable> formal, Operand actual, Frame outer, Frame inner, Instruction in) {
        List<Operand> items = ((Operand.Group) actual).items();
        for (int i = 0; i < formal.size(); i++) {
            if (i >= items.size() || !(items.get(i) instanceof Operand.Symbol(Variable v, long offset))) {
                throw new PtxException(in.line(), "the emulator knows only calls by .param variables: " + in);
            }
            inner.aliases.put(formal.get(i), outer.resolve(v));
        }
    }
}
