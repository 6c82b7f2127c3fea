package dev.jacquard.tensor.op;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;

/**
 * Where the metadata of a compressed 2:4 matrix lies: of each four columns of a row the two that are kept, as two indices of 2 bits, the lower first, which makes a nibble. It is
 * in the order in which the lanes of a warp want it for {@code mma.sp} (PTX ISA, "Sparse matrix storage"): an I32 tensor ({@code ceil(N / 16), ceil(K / 64), 32}), whose word 4 g +
 * t of a block of 16 rows and 64 columns is the one that lane 4 g + t loads.
 *
 * <ul>
 * <li>Elements of 16 bits and more: 16 columns of two rows. The lower half has row g, the upper one row g + 8; nibble i of a half has columns 16 t + 4 i to 16 t + 4 i + 3.
 * <li>Elements of 8 bits: 32 columns of one row, g + 8 (t mod 2); nibble i has columns 32 (t / 2) + 4 i to 32 (t / 2) + 4 i + 3.
 * </ul>
 *
 * <p>Nibbles of rows and columns that the matrix has not are {@link #FIRST_TWO}, so that every word is one that the hardware takes.
 *
 * @param n rows of the matrix
 * @param k columns of the matrix, a multiple of 4
 * @param bytes whether elements have 8 bits
 */
public record Metadata24(long n, long k, boolean bytes) {
    /** Rows of a block. */
    public static final int ROWS = 16;

    /** Columns of a block. */
    public static final int COLUMNS = 64;

    /** Words of a block. */
    public static final int WORDS = 32;

    /** Indices 0 and 1. */
    public static final int FIRST_TWO = 0b0100;

    /** Of a matrix of a type (N, K). */
    public static Metadata24 of(TensorType dense) {
        return new Metadata24(dense.shape().dim(0), dense.shape().dim(1), dense.dtype() == DType.I8);
    }

    /** Blocks below each other. */
    public long blockRows() {
        return (n + ROWS - 1) / ROWS;
    }

    /** Blocks beside each other. */
    public long blockColumns() {
        return (k + COLUMNS - 1) / COLUMNS;
    }

    /** The tensor's type: I32 (ceil(N / 16), ceil(K / 64), 32). */
    public TensorType type() {
        return TensorType.of(DType.I32, blockRows(), blockColumns(), WORDS);
    }

    /** Which word of the tensor has the nibble of a row and of columns 4 quad to 4 quad + 3. */
    public long word(long row, long quad) {
        int r = (int) (row % ROWS);
        int q = (int) (quad % (COLUMNS / 4));
        int lane = 4 * (r % 8) + (bytes ? r / 8 + 2 * (q / 8) : q / 4);
        return (row / ROWS * blockColumns() + quad / (COLUMNS / 4)) * WORDS + lane;
    }

    /** By how many bits a word is shifted right to get that nibble. */
    public int shift(long row, long quad) {
        return bytes ? 4 * (int) (quad % 8) : 16 * (int) (row % ROWS / 8) + 4 * (int) (quad % 4);
    }

    /** The nibble for two kept columns of four. @param low the lower @param high the higher */
    public static int nibble(int low, int high) {
        return low | high << 2;
    }
}
