package dev.jacquard.emulator;

import dev.jacquard.emulator.MatrixProduct.Multiplicand;
import dev.jacquard.emulator.ptx.Instruction;
import dev.jacquard.emulator.ptx.Operand;
import dev.jacquard.emulator.ptx.PtxType;
import dev.jacquard.emulator.ptx.Register;
import java.util.List;

/** Makes the instructions that came with sm_90: barriers in shared memory, bulk copies and their fences, and products of warpgroups. */
final class HopperDecoder extends UnitDecoder {
    HopperDecoder(Decoder decoder, InsnDecoder plain, Instruction in) {
        super(decoder, plain, in);
    }

    @Override
    Insn decode() {
        return switch (in.opcode()) {
            case "mbarrier" -> barrier();
            case "cp" -> copy();
            case "fence" -> new BulkCopy.Fence();
            case "wgmma" -> product();
            case "setmaxnreg" -> new Simple.Nothing();
            default -> throw plain.unknown();
        };
    }

    private Place place(Operand o) {
        if (!(o instanceof Operand.Address(Operand base, long offset))) {
            throw plain.unknown();
        }
        return switch (base) {
            case Operand.Reg(Register r) -> new Place(decoder.register(r), r.type().wide(), offset);
            case Operand.Symbol s -> new Place(-1, false, decoder.address(s.variable()) + s.offset() + offset);
            default -> throw plain.unknown();
        };
    }

    // Barriers.

    private Insn barrier() {
        if (in.has("cluster") && !in.has("acquire") && !in.has("release") && !in.has("relaxed") || in.has("noComplete")) {
            throw plain.unknown();
        }
        return switch (in.modifiers().getFirst()) {
            case "init" -> new MbarrierInsn.Init(place(ops.get(0)), word(ops.get(1)));
            case "inval" -> new MbarrierInsn.Invalidate(place(ops.get(0)));
            case "expect_tx", "complete_tx" -> new MbarrierInsn.Bytes(place(ops.get(0)), word(ops.get(1)), in.has("complete_tx"));
            case "arrive", "arrive_drop" -> arrive();
            case "test_wait", "try_wait" -> {
                boolean parity = in.has("parity"); // try_wait may have a time limit after the others, which is none here
                yield new MbarrierInsn.Wait(place(ops.get(1)), decoder.predicate(ops.get(0)), parity ? word(ops.get(2)) : decoder.wide(ops.get(2), PtxType.B64), parity,
                !in.has("relaxed"));
            }
            default -> throw plain.unknown();
        };
    }

    private Insn arrive() {
        boolean result = !(ops.getFirst() instanceof Operand.Address);
        int state = result && ops.getFirst() instanceof Operand.Reg ? decoder.wide(ops.getFirst(), PtxType.B64) : -1;
        int at = result ? 1 : 0;
        boolean expects = in.has("expect_tx");
        int last = ops.size() > at + 1 ? word(ops.get(at + 1)) : -1;
        return new MbarrierInsn.Arrive(place(ops.get(at)), state, expects ? -1 : last, expects ? last : -1, in.has("arrive_drop"), !in.has("relaxed"));
    }

    // Copies.

    private Insn copy() {
        if (in.has("commit_group")) {
            return new BulkCopy.Commit();
        }
        if (in.has("wait_group")) {
            return new BulkCopy.Wait((int) constant(0));
        }
        boolean global = in.has("global");
        boolean known = global && in.opcode().equals("cp") && !in.has("prefetch") && !in.has("multicast::cluster") && !in.has("cp_mask")
                && in.modifiers().stream().noneMatch(m -> m.startsWith("im2col"));
        if (!known) {
            throw plain.unknown();
        }
        boolean toShared = in.has("mbarrier::complete_tx::bytes");
        if (in.has("tensor")) {
            return toShared ? tile(true, ops.get(0), ops.get(1), ops.get(2)) : tile(false, ops.get(1), ops.get(0), null);
        }
        int size = word(ops.get(2));
        return toShared ? new BulkCopy.In(place(ops.get(0)), place(ops.get(1)), size, place(ops.get(3))) : new BulkCopy.Out(place(ops.get(0)), place(ops.get(1)), size);
    }

    private Insn tile(boolean toShared, Operand shared, Operand tensor, Operand barrier) {
        if (!(tensor instanceof Operand.Element(Operand base, Operand.Group(List<Operand> coordinates)))) {
            throw plain.unknown();
        }
        return new BulkCopy.Tile(toShared, place(shared), place(new Operand.Address(base, 0)), coordinates.stream().mapToInt(this::word).toArray(), barrier == null ? null
                : place(barrier));
    }

    // Products.

    private Insn product() {
        String what = in.modifiers().getFirst();
        if (!what.equals("mma_async")) {
            return new GroupProduct.Order(what, what.equals("wait_group") ? (int) constant(0) : 0);
        }
        String shape = shape("m64n");
        int columns = Integer.parseInt(shape.substring(4, shape.indexOf('k')));
        List<PtxType> types = types();
        if (types.size() != 3 || in.has("sp")) {
            throw plain.unknown();
        }
        Multiplicand a = multiplicand(types.get(1));
        boolean integer = a.perWord == 4;
        boolean halves = a.perWord == 2;
        boolean descriptor = !(ops.get(1) instanceof Operand.Group);
        GroupProduct.Kind kind = new GroupProduct.Kind(columns, a, multiplicand(types.get(2)), integer, in.has("satfinite"), !integer && constant(4) < 0, !integer
                && constant(5) < 0, halves && descriptor && constant(6) != 0, halves && constant(descriptor ? 7 : 6) != 0);
        int[] d = registers(ops.get(0));
        int[] fragments = descriptor ? null : registers(ops.get(1));
        boolean same = integer ? kind.b().perWord == 4 && types.get(0) == PtxType.S32 : kind.b() == a && types.get(0) == PtxType.F32;
        boolean known = same && columns % 8 == 0 && columns >= 8 && columns <= 256 && d.length == columns / 2 && shape.endsWith("k" + kind.depth())
                && (descriptor || fragments.length == 4);
        if (!known) {
            throw plain.unknown();
        }
        return new GroupProduct(kind, d, fragments, descriptor ? decoder.wide(ops.get(1), PtxType.B64) : -1, decoder.wide(ops.get(2), PtxType.B64), scale(ops.get(3)));
    }

    private GroupProduct.Scale scale(Operand o) {
        return o instanceof Operand.Immediate i ? new GroupProduct.Scale(-1, false, i.bits() != 0) : new GroupProduct.Scale(decoder.predicate(o), o instanceof Operand.Not, false);
    }
}
