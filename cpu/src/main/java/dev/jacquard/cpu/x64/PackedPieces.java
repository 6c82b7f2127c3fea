package dev.jacquard.cpu.x64;

/**
 * Copies rows of floats into pieces that lie by themselves: all rows' first piece, all rows' second, and so on. What a tile reads is then a few KiB without gaps, which stay in the
 * first-level cache; read in place, rows a power of two apart would all fall into the same few sets of it. Arguments: rdi, where to; rsi, the first row; rdx, the number of rows,
 * at least 1.
 *
 * @param set instruction set
 * @param pieces how rows are cut
 * @param pitch bytes from one row of a piece to the next
 * @param pieceBytes bytes from one piece to the next; at least a vector more than its rows take
 * @param fromRow bytes from one row read to the next
 */
record PackedPieces(InstructionSet set, Pieces pieces, int pitch, int pieceBytes, int fromRow) implements Kernel.Spec {
    /** Bytes of a piece of some rows. */
    static int bytes(int pitch, int rows) {
        return pitch * rows + 127 & -64;
    }

    @Override
    public void emit(Assembler e) {
        e.enter(0);
        for (int kind = 0; kind < 3; kind++) {
            mask(e, kind);
        }
        Label row = e.here();
        for (int i = 0; i < pieces.count(); i++) {
            piece(e, pieces.begin(i), pieces.begin(i + 1) - pieces.begin(i), i);
        }
        e.add(Gp.RDI, pitch);
        e.add(Gp.RSI, fromRow);
        e.dec(Gp.RDX);
        e.j(Condition.NE, row);
        e.leave(0);
    }

    /** Larger pieces, the others, and the last, which may be cut short. */
    private int kind(int piece) {
        return piece == pieces.count() - 1 ? 2 : piece < pieces.larger() ? 0 : 1;
    }

    private int rest(int kind) {
        int last = pieces.count() - 1;
        int floats = switch (kind) {
            case 0 -> (pieces.low() + 1) * pieces.unit();
            case 1 -> pieces.low() * pieces.unit();
            default -> pieces.begin(last + 1) - pieces.begin(last);
        };
        return floats % set.lanes();
    }

    private void mask(Assembler e, int kind) {
        int rest = rest(kind);
        if (rest == 0) {
            return;
        }
        if (set == InstructionSet.AVX512) {
            e.mov(Gp.RAX, (1L << rest) - 1);
            e.kmov(kind + 1, Gp.RAX, 16);
            return;
        }
        e.vmovups(set.vec(8 + kind), LaneMask.words(set, rest));
    }

    /** The end of a piece is written as a whole vector: what is too much of it, the next row overwrites. */
    private void piece(Assembler e, int begin, int floats, int i) {
        for (int j = 0; j < floats; j += set.lanes()) {
            Vec v = set.vec((i + j / set.lanes()) % 8);
            Mem from = Mem.at(Gp.RSI, 4 * (begin + j));
            if (floats - j >= set.lanes()) {
                e.vmovups(v, from);
            } else if (set == InstructionSet.AVX512) {
                e.vmovups(v.zeroed(kind(i) + 1), from);
            } else {
                e.vmaskmovps(v, set.vec(8 + kind(i)), from);
            }
            e.vmovups(Mem.at(Gp.RDI, i * pieceBytes + 4 * j), v);
        }
    }
}
