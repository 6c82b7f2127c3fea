package dev.jacquard.emulator;

import dev.jacquard.emulator.MatrixProduct.Accumulator;
import dev.jacquard.emulator.MatrixProduct.Multiplicand;
import dev.jacquard.emulator.ptx.Instruction;
import dev.jacquard.emulator.ptx.Operand;
import dev.jacquard.emulator.ptx.PtxException;
import dev.jacquard.emulator.ptx.PtxType;
import dev.jacquard.emulator.ptx.Register;
import dev.jacquard.emulator.ptx.Space;
import java.util.List;

/** Makes the instructions that kernels for tensor cores are made of: asynchronous copies, loads of matrices and their products. */
final class TensorDecoder extends UnitDecoder {
    TensorDecoder(Decoder decoder, InsnDecoder plain, Instruction in) {
        super(decoder, plain, in);
    }

    @Override
    Insn decode() {
        return switch (in.opcode()) {
            case "cp" -> copy();
            case "ldmatrix" -> rows(ops.get(0), ops.get(1), true);
            case "stmatrix" -> rows(ops.get(1), ops.get(0), false);
            case "movmatrix" -> new MatrixAccess.Transpose(word(ops.get(0)), word(ops.get(1)));
            default -> product();
        };
    }

    // Copies.

    private Insn copy() {
        if (!in.has("async") || in.has("mbarrier")) {
            throw plain.unknown();
        }
        if (in.has("commit_group")) {
            return new AsyncCopy.Commit();
        }
        if (in.has("wait_all")) {
            return new AsyncCopy.Wait(0, true);
        }
        if (in.has("wait_group")) {
            return new AsyncCopy.Wait((int) constant(0), false);
        }
        int bytes = (int) constant(2);
        if (bytes != 16 && (bytes != 4 && bytes != 8 || in.has("cg"))) {
            throw new PtxException(in.line(), "cp.async of " + bytes + " bytes: ca copies 4, 8 or 16, cg 16: " + in);
        }
        AsyncCopy.Source from = (AsyncCopy.Source) plain.access(ops.get(1), Space.GLOBAL, (space, base, wide, offset) -> source(space, base, wide, offset, bytes));
        return plain.access(ops.get(0), Space.SHARED, (space, base, wide, offset) -> new AsyncCopy(space, base, wide, offset, bytes, from));
    }

    /** The fourth operand is a size, or a predicate that says to ignore the source, or a policy of the cache, which means nothing here. */
    private AsyncCopy.Source source(Space space, int base, boolean wide, long offset, int bytes) {
        Operand last = ops.size() > 3 ? ops.get(3) : null;
        boolean predicate = last instanceof Operand.Not || last instanceof Operand.Reg(Register r) && r.type() == PtxType.PRED;
        boolean policy = last instanceof Operand.Reg(Register r) && r.type().wide();
        int size = last == null || predicate || policy ? -1 : decoder.narrow(last, PtxType.U32);
        return new AsyncCopy.Source(space, base, wide, offset, bytes, size, predicate ? decoder.predicate(last) : -1, last instanceof Operand.Not);
    }

    // Matrices.

    private Insn rows(Operand list, Operand address, boolean load) {
        int[] registers = registers(list);
        int count = in.has("x4") ? 4 : in.has("x2") ? 2 : 1;
        if (!in.has("m8n8") || !in.has("b16") || registers.length != count) {
            throw plain.unknown();
        }
        boolean transposed = in.has("trans");
        return plain.access(address, (space, base, wide, offset) -> load ? new MatrixAccess.Load(space, base, wide, offset, registers, transposed)
                : new MatrixAccess.Store(space, base, wide, offset, registers, transposed));
    }

    private Insn product() {
        String shape = shape("m16n8k");
        int depth = Integer.parseInt(shape.substring(6));
        List<PtxType> types = types();
        if (types.size() != 4 || !in.has("row") || !in.has("col")) {
            throw plain.unknown();
        }
        boolean saturated = in.has("satfinite");
        MatrixProduct.Kind kind = new MatrixProduct.Kind(depth, multiplicand(types.get(1)), multiplicand(types.get(2)), accumulator(types.get(3), saturated),
                accumulator(types.get(0), saturated));
        boolean sparse = in.has("sp") || in.has("sp::ordered_metadata");
        check(kind, sparse);
        Sparsity sparsity = sparse ? sparsity(kind) : null;
        int[] d = registers(ops.get(0));
        int[] a = registers(ops.get(1));
        int[] b = registers(ops.get(2));
        int[] c = registers(ops.get(3));
        int chunk = 4 * kind.a().perWord;
        boolean fits = a.length == 2 * (sparse ? depth / 2 : depth) / chunk && b.length == depth / chunk && c.length == words(kind.c()) && d.length == words(kind.d());
        if (!fits) {
            throw new PtxException(in.line(), "wrong number of registers in " + in);
        }
        return new MatrixProduct(kind, a, b, c, d, sparsity);
    }

    /** Refuses combinations that PTX has not, or that the emulator has not. */
    private void check(MatrixProduct.Kind kind, boolean sparse) {
        int least = 4 * kind.a().perWord * (sparse ? 2 : 1); // two shapes per type: one chunk of registers deep, or two
        boolean bytes = kind.a().perWord == 4;
        boolean integer = kind.d() == Accumulator.S32 || kind.d() == Accumulator.S32_SATURATED;
        boolean same = bytes ? kind.b().perWord == 4 : kind.a() == kind.b();
        boolean half = kind.c() == Accumulator.F16 || kind.d() == Accumulator.F16;
        boolean depth = kind.depth() == least || kind.depth() == 2 * least;
        boolean known = depth && same && bytes == integer && kind.c() == kind.d() && !(half && kind.a() != Multiplicand.F16) && !(sparse && kind.a() == Multiplicand.TF32);
        if (!known) {
            throw plain.unknown();
        }
    }

    private Sparsity sparsity(MatrixProduct.Kind kind) {
        int selector = (int) constant(5);
        boolean bytes = kind.a().perWord == 4;
        int allowed = Sparsity.selectors(kind.depth(), bytes);
        if (selector < 0 || selector >= allowed) {
            throw new PtxException(in.line(), "sparsity selector " + selector + ", must be less than " + allowed + ": " + in);
        }
        return new Sparsity(word(ops.get(4)), selector, kind.depth(), bytes);
    }

    private static int words(Accumulator type) {
        return type == Accumulator.F16 ? 2 : 4;
    }

    private Accumulator accumulator(PtxType type, boolean saturated) {
        return switch (type) {
            case F16 -> Accumulator.F16;
            case F32 -> Accumulator.F32;
            case S32 -> saturated ? Accumulator.S32_SATURATED : Accumulator.S32;
            default -> throw plain.unknown();
        };
    }
}
