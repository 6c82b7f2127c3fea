package dev.jacquard.emulator;

import dev.jacquard.emulator.ptx.Instruction;
import dev.jacquard.emulator.ptx.Operand;
import dev.jacquard.emulator.ptx.PtxException;
import dev.jacquard.emulator.ptx.PtxFunction;
import dev.jacquard.emulator.ptx.PtxType;
import dev.jacquard.emulator.ptx.Register;
import dev.jacquard.emulator.ptx.Space;
import dev.jacquard.emulator.ptx.Variable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.ToLongFunction;

/** Makes a {@link Program} of a kernel: places its variables, gives its registers indexes, cuts it into blocks, and makes an {@link Insn} of each instruction. */
final class Decoder {
    private static final Set<String> WITHOUT_RESULT = Set.of("st", "red", "stmatrix", "cp", "bar", "barrier", "bra", "brx", "ret", "exit", "trap", "fence", "membar", "prefetch");
    private final PtxFunction kernel;
    private final ToLongFunction<Variable> globals;
    private final Registers registers = new Registers();
    private final Map<Variable, Integer> parameters = new IdentityHashMap<>();
    private final Map<Variable, Integer> shared = new IdentityHashMap<>();
    private final Map<Variable, Integer> local = new IdentityHashMap<>();
    private final List<Variable> open = new ArrayList<>();
    private int sharedBytes;
    private int localBytes;
    private int[] offsets;
    private int[] sizes;
    private int parameterBytes;
    /** Whether the registers of instructions are of interest. */
    private boolean watched;

    /** The instruction being decoded, and the names it sees. */
    private Instruction in;
    private Flattener.Frame frame;

    /** @param globals addresses of module-level variables in device memory */
    Decoder(PtxFunction kernel, ToLongFunction<Variable> globals) {
        this.kernel = kernel;
        this.globals = globals;
    }

    Program decode() {
        placeParameters();
        List<Flattener.Item> items = new Flattener().flatten(kernel);
        placeShared(items);
        watched = items.stream().anyMatch(i -> i.instruction().opcode().equals("wgmma"));
        TreeSet<Integer> starts = starts(items);
        List<Integer> begin = new ArrayList<>(starts);
        int[] blockOf = new int[items.size() + 1];
        for (int b = 0, i = 0; i <= items.size(); i++) {
            if (b < begin.size() && begin.get(b) == i) {
                b++;
            }
            blockOf[i] = b - 1;
        }
        blockOf[items.size()] = begin.size();
        List<Block> blocks = new ArrayList<>();
        for (int b = 0; b < begin.size(); b++) {
            int end = b + 1 < begin.size() ? begin.get(b + 1) : items.size();
            blocks.add(block(items, begin.get(b), end, blockOf));
        }
        PostDominators.set(blocks);
        return new Program(kernel, blocks.toArray(Block[]::new), registers, offsets, sizes, parameterBytes, sharedBytes, localBytes);
    }

    private void placeParameters() {
        offsets = new int[kernel.parameters().size()];
        sizes = new int[offsets.length];
        for (int i = 0; i < offsets.length; i++) {
            Variable v = kernel.parameters().get(i);
            parameterBytes = align(parameterBytes, v.align());
            offsets[i] = parameterBytes;
            sizes[i] = (int) v.bytes();
            parameters.put(v, parameterBytes);
            parameterBytes += sizes[i];
        }
    }

    private static int align(int v, int to) {
        return (v + to - 1) / to * to;
    }

    /** Static shared variables that instructions name get their places in order of use; open ones start after them. */
    private void placeShared(List<Flattener.Item> items) {
        Set<Variable> used = Collections.newSetFromMap(new IdentityHashMap<>());
        List<Variable> order = new ArrayList<>();
        for (Flattener.Item item : items) {
            for (Operand o : item.instruction().operands()) {
                Operand base = o instanceof Operand.Address(Operand inner, long offset) ? inner : o;
                if (base instanceof Operand.Symbol(Variable v, long offset) && v.space() == Space.SHARED && used.add(v)) {
                    order.add(v);
                }
            }
        }
        int openAlign = 16;
        for (Variable v : order) {
            if (v.open()) {
                open.add(v);
                openAlign = Math.max(openAlign, v.align());
            } else {
                sharedBytes = align(sharedBytes, v.align());
                shared.put(v, sharedBytes);
                sharedBytes += (int) v.bytes();
            }
        }
        if (!open.isEmpty()) {
            sharedBytes = align(sharedBytes, openAlign);
            open.forEach(v -> shared.put(v, sharedBytes));
        }
    }

    private static TreeSet<Integer> starts(List<Flattener.Item> items) {
        TreeSet<Integer> starts = new TreeSet<>();
        starts.add(0);
        for (int i = 0; i < items.size(); i++) {
            Instruction in = items.get(i).instruction();
            Flattener.Frame frame = items.get(i).frame();
            switch (in.opcode()) {
                case "bra" -> {
                    starts.add(target(frame, name(in, 0), in));
                    starts.add(i + 1);
                }
                case "brx" -> {
                    frame.body.tables().get(name(in, 1)).forEach(t -> starts.add(target(frame, t, in)));
                    starts.add(i + 1);
                }
                case "ret", "exit", "trap" -> {
                    starts.add(i + 1);
                    starts.add(frame.end);
                }
                case "bar", "barrier" -> {
                    if (!in.has("warp")) {
                        starts.add(i + 1);
                    }
                }
                case "mbarrier" -> {
                    if (in.has("test_wait") || in.has("try_wait")) { // the warp's turn may end there
                        starts.add(i + 1);
                    }
                }
                default -> { }
            }
        }
        while (!starts.isEmpty() && starts.last() >= items.size()) {
            starts.pollLast();
        }
        return starts;
    }

    private static String name(Instruction in, int operand) {
        if (in.operands().get(operand) instanceof Operand.Name(String name)) {
            return name;
        }
        throw new PtxException(in.line(), "expected a label: " + in);
    }

    private static int target(Flattener.Frame frame, String label, Instruction in) {
        Integer at = frame.labels.get(label);
        if (at == null) {
            throw new PtxException(in.line(), "no label " + label);
        }
        return at;
    }

    private Block block(List<Flattener.Item> items, int from, int to, int[] blockOf) {
        List<Insn> code = new ArrayList<>();
        for (int i = from; i < to; i++) {
            in = items.get(i).instruction();
            frame = items.get(i).frame();
            Flow flow = flow(blockOf);
            if (flow != null) {
                return new Block(code.toArray(Insn[]::new), flow, finish(new Simple.Nothing()));
            }
            code.add(finish(new InsnDecoder(this, in).decode()));
        }
        boolean last = to == items.size();
        return new Block(code.toArray(Insn[]::new), last ? new Flow.Exit() : new Flow.Next(), null);
    }

    private Insn finish(Insn made) {
        made.source = in;
        made.kind = Counters.kind(in);
        if (watched && !in.opcode().equals("wgmma")) {
            watch(made);
        }
        if (in.guard() != null) {
            made.guard = register(in.guard());
            made.negated = in.negated();
        }
        return made;
    }

    /** Notes the registers of an instruction: its first operand is what it writes, but for those without a result. */
    private void watch(Insn made) {
        List<Integer> sources = new ArrayList<>();
        List<Integer> targets = new ArrayList<>();
        for (int i = 0; i < in.operands().size(); i++) {
            narrowRegisters(in.operands().get(i), i > 0 || WITHOUT_RESULT.contains(in.opcode()) ? sources : targets, sources);
        }
        made.sources = sources.stream().mapToInt(i -> i).toArray();
        made.targets = targets.stream().mapToInt(i -> i).toArray();
    }

    private void narrowRegisters(Operand o, List<Integer> to, List<Integer> read) {
        switch (o) {
            case Operand.Reg(Register r) when !r.type().wide() && r.type() != PtxType.PRED -> to.add(register(r));
            case Operand.Group(List<Operand> items) -> items.forEach(i -> narrowRegisters(i, to, read));
            case Operand.Pair(Operand first, Operand second) -> narrowRegisters(first, to, read);
            case Operand.Address(Operand base, long offset) -> narrowRegisters(base, read, read);
            case Operand.Element(Operand base, Operand.Group coordinates) -> narrowRegisters(coordinates, read, read);
            default -> { }
        }
    }

    private Flow flow(int[] blockOf) {
        return switch (in.opcode()) {
            case "bra" -> new Flow.Branch(blockOf[target(frame, name(in, 0), in)]);
            case "brx" -> {
                int[] targets = frame.body.tables().get(name(in, 1)).stream().mapToInt(t -> blockOf[target(frame, t, in)]).toArray();
                yield new Flow.Table(narrow(in.operands().get(0), PtxType.U32), targets);
            }
            case "ret" -> frame.depth == 0 ? new Flow.Exit() : new Flow.Branch(blockOf[frame.end]);
            case "exit" -> new Flow.Exit();
            case "trap" -> new Flow.Trap();
            case "bar", "barrier" -> in.has("warp") ? null : barrier();
            default -> null;
        };
    }

    private Flow barrier() {
        List<Operand> ops = in.operands();
        boolean reduce = in.has("red");
        int first = reduce ? 1 : 0;
        int last = reduce ? ops.size() - 1 : ops.size();
        int id = narrow(ops.get(first), PtxType.U32);
        int threads = last > first + 1 ? narrow(ops.get(first + 1), PtxType.U32) : -1;
        if (!reduce) {
            return new Flow.Barrier(id, threads, in.has("arrive"), '0', -1, -1, false);
        }
        char kind = in.has("popc") ? 'p' : in.has("and") ? 'a' : 'o';
        int d = kind == 'p' ? narrow(ops.get(0), PtxType.U32) : predicate(ops.get(0));
        return new Flow.Barrier(id, threads, false, kind, d, predicate(ops.get(last)), ops.get(last) instanceof Operand.Not);
    }

    // What InsnDecoder asks for.

    int register(Register r) {
        return frame.registers.computeIfAbsent(r, x -> registers.add(x.type()));
    }

    /** A register of at most 32 bits that holds an operand. */
    int narrow(Operand o, PtxType type) {
        return switch (o) {
            case Operand.Reg(Register r) when !r.type().wide() && r.type() != PtxType.PRED -> register(r);
            case Operand.Immediate i -> registers.constant((int) Registers.bits(i, type));
            case Operand.Special(String name) -> registers.special(name);
            case Operand.Symbol(Variable v, long offset) -> registers.constant((int) (address(v) + offset));
            default -> throw new PtxException(in.line(), "unexpected operand " + o + " in " + in);
        };
    }

    /** A 64-bit register that holds an operand. */
    int wide(Operand o, PtxType type) {
        return switch (o) {
            case Operand.Reg(Register r) when r.type().wide() -> register(r);
            case Operand.Immediate i -> registers.wideConstant(Registers.bits(i, type));
            case Operand.Symbol(Variable v, long offset) -> registers.wideConstant(address(v) + offset);
            default -> throw new PtxException(in.line(), "unexpected operand " + o + " in " + in);
        };
    }

    int predicate(Operand o) {
        return switch (o) {
            case Operand.Reg(Register r) when r.type() == PtxType.PRED -> register(r);
            case Operand.Not(Register r) when r.type() == PtxType.PRED -> register(r);
            default -> throw new PtxException(in.line(), "expected a predicate, not " + o + ", in " + in);
        };
    }

    /** The space that a variable is accessed in: parameters of calls are the thread's own memory. */
    Space space(Variable v) {
        Variable actual = frame.resolve(v);
        return actual.space() == Space.PARAM && !parameters.containsKey(actual) ? Space.LOCAL : actual.space();
    }

    /** A variable's address within its space; that of global and constant ones is generic too. */
    long address(Variable v) {
        Variable actual = frame.resolve(v);
        return switch (actual.space()) {
            case SHARED -> shared.computeIfAbsent(actual, x -> {
                throw new PtxException(in.line(), "shared variable in an unexpected place: " + in);
            }) + Windows.SHARED_START;
            case LOCAL -> localOffset(actual);
            case PARAM -> parameters.containsKey(actual) ? parameters.get(actual) : localOffset(actual);
            default -> globals.applyAsLong(actual);
        };
    }

    private int localOffset(Variable v) {
        return local.computeIfAbsent(v, x -> {
            localBytes = align(localBytes, Math.max(x.align(), 8));
            int at = localBytes;
            localBytes += (int) x.bytes();
            return at;
        });
    }
}
