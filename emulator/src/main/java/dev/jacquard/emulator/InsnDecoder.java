package dev.jacquard.emulator;

import dev.jacquard.emulator.ptx.Instruction;
import dev.jacquard.emulator.ptx.Operand;
import dev.jacquard.emulator.ptx.PtxException;
import dev.jacquard.emulator.ptx.PtxType;
import dev.jacquard.emulator.ptx.Register;
import dev.jacquard.emulator.ptx.Space;
import java.util.List;
import java.util.Locale;

/** Makes an {@link Insn} of one instruction. */
final class InsnDecoder {
    private final Decoder decoder;
    private final Instruction in;
    private final List<Operand> ops;

    InsnDecoder(Decoder decoder, Instruction in) {
        this.decoder = decoder;
        this.in = in;
        ops = in.operands();
    }

    Insn decode() {
        return switch (in.opcode()) {
            case "ld", "ldu" -> load();
            case "st" -> store();
            case "atom", "red" -> atomic();
            case "mov" -> move();
            case "cvt" -> convert();
            case "cvta" -> convertAddress();
            case "setp" -> setPredicate();
            case "set" -> setNumber();
            case "selp" -> select();
            case "shfl" -> shuffle();
            case "vote" -> vote();
            case "activemask" -> new WarpOps.Vote("ballot", narrow(0, PtxType.B32), -1, false, -1);
            case "match" -> match();
            case "redux" -> new WarpOps.Reduce(in.modifiers().get(1), type().signed(), narrow(0, type()), narrow(1, type()), narrow(2, PtxType.B32));
            case "elect" -> elect();
            case "bar", "barrier" -> new WarpOps.Sync(narrow(0, PtxType.B32));
            case "mbarrier", "setmaxnreg", "wgmma" -> new HopperDecoder(decoder, this, in).decode();
            case "membar", "fence" -> in.has("async") || in.has("mbarrier_init") ? new HopperDecoder(decoder, this, in).decode()
                    : new Simple.Fence(in.has("gl") || in.has("sys") || in.has("gpu"));
            case "prefetch", "prefetchu", "discard", "applypriority", "nanosleep", "pmevent", "griddepcontrol" -> new Simple.Nothing();
            case "isspacep" -> new Spaces.Is(space(), decoder.predicate(ops.get(0)), decoder.wide(ops.get(1), PtxType.U64));
            case "lop3" -> narrowOp(Alu32.lop3((int) ((Operand.Immediate) ops.get(4)).bits()), 3);
            case "dp4a" -> narrowOp(Alu32.dot4(in.modifiers().get(0).equals("s32"), in.modifiers().get(1).equals("s32")), 3);
            case "testp" -> new Spaces.Test(in.modifiers().get(0), type() == PtxType.F64, decoder.predicate(ops.get(0)), source(1, type()));
            case "slct" -> narrowOp(Alu32.find("slct." + name(type())), 3);
            case "cp" -> in.has("bulk") ? new HopperDecoder(decoder, this, in).decode() : new TensorDecoder(decoder, this, in).decode();
            case "ldmatrix", "stmatrix", "movmatrix", "mma" -> new TensorDecoder(decoder, this, in).decode();
            default -> arithmetic();
        };
    }

    PtxException unknown() {
        return new PtxException(in.line(), "the emulator does not know " + in);
    }

    private PtxType type() {
        return in.type();
    }

    private static String name(PtxType t) {
        return t.name().toLowerCase(Locale.ROOT);
    }

    private int narrow(int operand, PtxType type) {
        return decoder.narrow(ops.get(operand), type);
    }

    private int source(int operand, PtxType type) {
        return type.wide() ? decoder.wide(ops.get(operand), type) : decoder.narrow(ops.get(operand), type);
    }

    private Space space() {
        for (String m : in.modifiers()) {
            switch (m) {
                case "global" -> {
                    return Space.GLOBAL;
                }
                case "const" -> {
                    return Space.CONST;
                }
                case "local" -> {
                    return Space.LOCAL;
                }
                default -> {
                    if (m.equals("shared") || m.startsWith("shared::")) {
                        return Space.SHARED;
                    }
                    if (m.equals("param") || m.startsWith("param::")) {
                        return Space.PARAM;
                    }
                }
            }
        }
        return Space.GENERIC;
    }

    private static boolean isWide(Operand o) {
        return o instanceof Operand.Reg(Register r) && r.type().wide();
    }

    // Memory.

    /** Makes an access of an address operand. */
    interface Maker {
        Insn make(Space space, int base, boolean wide, long offset);
    }

    Insn access(Operand o, Maker maker) {
        return access(o, space(), maker);
    }

    Insn access(Operand o, Space space, Maker maker) {
        if (!(o instanceof Operand.Address(Operand base, long offset))) {
            throw unknown();
        }
        return switch (base) {
            case Operand.Reg(Register r) -> maker.make(space, decoder.register(r), r.type().wide(), offset);
            case Operand.Symbol s -> {
                Space actual = decoder.space(s.variable());
                yield maker.make(space == Space.GENERIC && (actual == Space.SHARED || actual == Space.LOCAL) || space == Space.PARAM ? actual : space, -1, false,
                        decoder.address(s.variable()) + offset);
            }
            case Operand.Immediate i -> maker.make(space, -1, false, i.bits() + offset);
            default -> throw unknown();
        };
    }

    private Insn load() {
        List<Operand> to = ops.get(0) instanceof Operand.Group(List<Operand> items) ? items : List.of(ops.get(0));
        int[] d = new int[to.size()];
        boolean[] wide = new boolean[d.length];
        boolean[] half = new boolean[d.length];
        for (int i = 0; i < d.length; i++) {
            if (to.get(i) instanceof Operand.Reg(Register r)) {
                d[i] = decoder.register(r);
                wide[i] = r.type().wide();
                half[i] = r.type().bytes() == 2;
            } else {
                d[i] = -1;
            }
        }
        return access(ops.get(1), (space, base, wideBase, offset) -> space == Space.PARAM && base < 0
                ? new Parameter((int) offset, type().bytes(), type().signed(), d, wide, half)
                : new Access.Load(space, base, wideBase, offset, type().bytes(), type().signed(), d, wide, half));
    }

    private Insn store() {
        List<Operand> from = ops.get(1) instanceof Operand.Group(List<Operand> items) ? items : List.of(ops.get(1));
        int[] s = new int[from.size()];
        boolean[] wide = new boolean[s.length];
        for (int i = 0; i < s.length; i++) {
            wide[i] = isWide(from.get(i)) || type().wide() && !(from.get(i) instanceof Operand.Reg);
            s[i] = wide[i] ? decoder.wide(from.get(i), type()) : decoder.narrow(from.get(i), type());
        }
        return access(ops.get(0), (space, base, wideBase, offset) -> new Access.Store(space, base, wideBase, offset, type().bytes(), s, wide));
    }

    private Insn atomic() {
        String op = in.modifiers().stream().filter(Atomic::known).findFirst().orElseThrow(this::unknown);
        boolean result = in.opcode().equals("atom");
        int at = result ? 1 : 0;
        int d = result && ops.get(0) instanceof Operand.Reg ? source(0, type()) : -1;
        int x = source(at + 1, type());
        int y = ops.size() > at + 2 ? source(at + 2, type()) : -1;
        return access(ops.get(at), (space, base, wide, offset) -> new Atomic(space, base, wide, offset, op, type(), d, x, y));
    }

    // Moves and conversions.

    private Insn move() {
        PtxType t = type();
        if (t == PtxType.PRED) {
            return predicates('=');
        }
        if (ops.get(1) instanceof Operand.Group(List<Operand> items)) {
            return new Simple.Join(t.wide(), source(0, t), items.stream().mapToInt(o -> decoder.narrow(o, PtxType.B32)).toArray(), 8 * t.bytes() / items.size());
        }
        if (ops.get(0) instanceof Operand.Group(List<Operand> items)) {
            int[] parts = items.stream().mapToInt(o -> o instanceof Operand.Reg ? decoder.narrow(o, PtxType.B32) : -1).toArray();
            return new Simple.Split(t.wide(), parts, source(1, t), 8 * t.bytes() / items.size());
        }
        if (ops.get(1) instanceof Operand.Special(String name) && (name.startsWith("%clock") || name.startsWith("%globaltimer"))) {
            return new Simple.Clock(t.wide(), source(0, t));
        }
        return t.wide() ? wideOp(Alu64.find("mov.b64")) : narrowOp(Alu32.find("mov.b32"), 1);
    }

    private Insn convert() {
        List<PtxType> types = in.modifiers().stream().map(PtxType::of).filter(t -> t != null).toList();
        PtxType to = types.get(0);
        PtxType from = types.get(1);
        boolean saturate = in.has("sat");
        boolean relu = in.has("relu");
        boolean integral = in.modifiers().stream().anyMatch(m -> m.equals("rni") || m.equals("rzi") || m.equals("rmi") || m.equals("rpi"));
        char mode = 'n';
        for (String m : in.modifiers()) {
            if (m.length() >= 2 && m.length() <= 3 && m.charAt(0) == 'r' && "nzmp".indexOf(m.charAt(1)) >= 0) {
                mode = m.charAt(1);
            }
        }
        if (to == PtxType.F16X2 || to == PtxType.BF16X2) { // the first source becomes the upper half
            PtxType half = to == PtxType.F16X2 ? PtxType.F16 : PtxType.BF16;
            Convert.Op op = Convert.of(half, PtxType.F32, mode, false, saturate, relu, true);
            return new Spaces.ConvertPair(op, narrow(0, to), narrow(1, PtxType.F32), narrow(2, PtxType.F32));
        }
        boolean wideTo = isWide(ops.get(0));
        boolean narrowTo = ops.get(0) instanceof Operand.Reg(Register r) && r.type().bytes() == 2;
        boolean wideFrom = isWide(ops.get(1)) || from.wide();
        int d = wideTo ? decoder.wide(ops.get(0), to) : decoder.narrow(ops.get(0), to);
        int x = wideFrom ? decoder.wide(ops.get(1), from) : decoder.narrow(ops.get(1), from);
        Insn fast = saturate || relu || integral || mode != 'n' && !from.floating() ? null : Convert.fast(to, from, mode, wideTo, wideFrom, narrowTo, d, x);
        if (fast != null) {
            return fast;
        }
        return new Simple.Conversion(Convert.of(to, from, mode, integral, saturate, relu, narrowTo), wideTo, wideFrom, d, x);
    }

    private Insn convertAddress() {
        long window = switch (space()) {
            case SHARED -> Windows.SHARED;
            case LOCAL -> Windows.LOCAL;
            case PARAM -> Windows.PARAM;
            default -> 0;
        };
        boolean symbol = ops.get(1) instanceof Operand.Symbol;
        boolean wideFrom = isWide(ops.get(1)) || symbol;
        boolean wideTo = isWide(ops.get(0));
        long delta = in.has("to") ? -window : window;
        int from = wideFrom ? decoder.wide(ops.get(1), PtxType.U64) : narrow(1, PtxType.U32);
        return new Simple.Conversion(x -> (wideFrom ? x : x & 0xffffffffL) + delta, wideTo, wideFrom, source(0, type()), from);
    }

    // Predicates.

    private Insn predicates(char op) {
        int y = op == '=' || op == '~' ? 1 : 2;
        if (ops.get(1) instanceof Operand.Immediate i) {
            return new Spaces.SetMask(decoder.predicate(ops.get(0)), i.bits() == 0 ? 0 : -1);
        }
        return new Simple.Predicates(op, decoder.predicate(ops.get(0)), decoder.predicate(ops.get(1)), decoder.predicate(ops.get(y)));
    }

    private Insn setPredicate() {
        PtxType t = type();
        Operand first = ops.get(0) instanceof Operand.Pair(Operand a, Operand b) ? a : ops.get(0);
        int opposite = ops.get(0) instanceof Operand.Pair(Operand a, Operand b) && b instanceof Operand.Reg ? decoder.predicate(b) : -1;
        int d = first instanceof Operand.Reg ? decoder.predicate(first) : -1;
        char op = in.has("and") ? '&' : in.has("or") ? '|' : in.has("xor") ? '^' : '=';
        int c = ops.size() > 3 ? decoder.predicate(ops.get(3)) : -1;
        return new Simple.SetPredicate(compareNarrow(t), compareWide(t), d, opposite, source(1, t), source(2, t), op, c, c >= 0 && ops.get(3) instanceof Operand.Not);
    }

    private Compare.Op32 compareNarrow(PtxType t) {
        if (t.wide()) {
            return null;
        }
        String comparison = in.modifiers().get(0);
        if (t == PtxType.F16 || t == PtxType.BF16) {
            return Compare.small(comparison, t == PtxType.BF16);
        }
        Compare.Op32 op = Compare.find(comparison, name(t));
        if (op == null) {
            throw unknown();
        }
        return op;
    }

    private Compare.Op64 compareWide(PtxType t) {
        return t.wide() ? Compare.wide(in.modifiers().get(0), t.floating(), t.signed()) : null;
    }

    private Insn setNumber() {
        List<PtxType> types = in.modifiers().stream().map(PtxType::of).filter(t -> t != null).toList();
        PtxType t = types.get(1);
        if (ops.size() > 3) {
            throw unknown();
        }
        int yes = types.get(0) == PtxType.F32 ? 0x3f800000 : types.get(0).bytes() == 2 ? 0x3c00 : -1;
        return new Simple.SetNumber(compareNarrow(t), compareWide(t), narrow(0, types.get(0)), source(1, t), source(2, t), yes);
    }

    private Insn select() {
        PtxType t = type();
        return new Simple.Select(t.wide(), source(0, t), source(1, t), source(2, t), decoder.predicate(ops.get(3)));
    }

    // Warps.

    private Insn shuffle() {
        Operand first = ops.get(0) instanceof Operand.Pair(Operand a, Operand b) ? a : ops.get(0);
        int p = ops.get(0) instanceof Operand.Pair(Operand a, Operand b) && b instanceof Operand.Reg ? decoder.predicate(b) : -1;
        int d = first instanceof Operand.Reg ? decoder.narrow(first, PtxType.B32) : -1;
        return new WarpOps.Shuffle(in.modifiers().get(1).charAt(0), d, p, narrow(1, PtxType.B32), narrow(2, PtxType.B32), narrow(3, PtxType.B32), narrow(4, PtxType.B32));
    }

    private Insn vote() {
        String mode = in.modifiers().stream().filter(m -> m.equals("all") || m.equals("any") || m.equals("uni") || m.equals("ballot")).findFirst().orElseThrow(this::unknown);
        int d = mode.equals("ballot") ? narrow(0, PtxType.B32) : decoder.predicate(ops.get(0));
        if (ops.get(1) instanceof Operand.Immediate i) {
            return new WarpOps.Vote(mode, d, -1, i.bits() == 0, narrow(2, PtxType.B32));
        }
        return new WarpOps.Vote(mode, d, decoder.predicate(ops.get(1)), ops.get(1) instanceof Operand.Not, narrow(2, PtxType.B32));
    }

    private Insn match() {
        Operand first = ops.get(0) instanceof Operand.Pair(Operand a, Operand b) ? a : ops.get(0);
        int p = ops.get(0) instanceof Operand.Pair(Operand a, Operand b) && b instanceof Operand.Reg ? decoder.predicate(b) : -1;
        return new WarpOps.Match(in.has("all"), type().wide(), decoder.narrow(first, PtxType.B32), p, source(1, type()), narrow(2, PtxType.B32));
    }

    private Insn elect() {
        if (!(ops.get(0) instanceof Operand.Pair(Operand d, Operand p))) {
            throw unknown();
        }
        return new WarpOps.Elect(d instanceof Operand.Reg ? decoder.narrow(d, PtxType.B32) : -1, decoder.predicate(p));
    }

    // Arithmetic.

    private Insn arithmetic() {
        PtxType t = type();
        if (t == PtxType.PRED) {
            return predicates(switch (in.opcode()) {
                case "and" -> '&';
                case "or" -> '|';
                case "xor" -> '^';
                case "not" -> '~';
                default -> throw unknown();
            });
        }
        String key = key(t);
        boolean widening = in.has("wide") && t.bytes() == 4;
        if (widening && Alu64.widening(key) != null) {
            int z = ops.size() > 3 ? decoder.wide(ops.get(3), PtxType.B64) : -1;
            return new Simple.Widening(Alu64.widening(key), decoder.wide(ops.get(0), PtxType.B64), narrow(1, t), narrow(2, t), z);
        }
        if (t.wide() && Alu64.shift(key) != null) {
            return shift(key, t);
        }
        if (t.wide() && Alu64.narrowing(key) != null) {
            return new Simple.Narrowing(Alu64.narrowing(key), narrow(0, PtxType.B32), decoder.wide(ops.get(1), t));
        }
        if (t.wide() && Alu64.find(key) != null) {
            return wideOp(Alu64.find(key));
        }
        Alu32.Op op = Alu32.find(key);
        if (t.wide() || op == null) {
            throw unknown();
        }
        return narrowOp(op, ops.size() - 1);
    }

    /** The operation's key in the tables: without what makes no difference here. */
    private String key(PtxType t) {
        StringBuilder s = new StringBuilder(in.opcode().equals("mad") && t.floating() ? "fma" : in.opcode());
        for (String m : in.modifiers()) {
            boolean dropped = m.equals("rn") || m.equals("ftz") || m.equals("mode") || m.equals("uni") || PtxType.of(m) != null;
            if (!dropped) {
                s.append('.').append(m);
            }
        }
        return s.append('.').append(name(t)).toString();
    }

    private Insn shift(String key, PtxType t) {
        int d = decoder.wide(ops.get(0), t);
        int x = decoder.wide(ops.get(1), t);
        if (in.opcode().equals("bfi")) {
            return new Simple.Shift(Alu64.shift(key), d, x, decoder.wide(ops.get(2), t), narrow(3, PtxType.U32), narrow(4, PtxType.U32));
        }
        int z = narrow(2, PtxType.U32);
        return new Simple.Shift(Alu64.shift(key), d, x, x, z, ops.size() > 3 ? narrow(3, PtxType.U32) : z);
    }

    private Insn narrowOp(Alu32.Op op, int count) {
        if (op == null) {
            throw unknown();
        }
        PtxType t = type();
        int d = narrow(0, t);
        int[] s = new int[4];
        for (int i = 0; i < 4; i++) {
            s[i] = i < count ? narrow(i + 1, t) : s[0];
        }
        return new Simple.Narrow(op, d, s);
    }

    private Insn wideOp(Alu64.Op op) {
        PtxType t = type();
        int x = decoder.wide(ops.get(1), t);
        int y = ops.size() > 2 ? decoder.wide(ops.get(2), t) : x;
        return new Simple.Wide(op, decoder.wide(ops.get(0), t), x, y, ops.size() > 3 ? decoder.wide(ops.get(3), t) : x);
    }
}
