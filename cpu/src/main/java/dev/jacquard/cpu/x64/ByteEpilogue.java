package dev.jacquard.cpu.x64;

import dev.jacquard.tensor.op.Nonlinearity;

/**
 * What an 8-bit kernel does to its sums: {@code activation(sum * scale + shift + residualScale * r)} in F32, then rounding to bytes if asked for.
 *
 * @param residualScale factor of a residual of bytes, 0 for none
 * @param activation what comes before the rounding
 * @param bytes whether results are bytes, rounded half to even and saturated, NaN as 0; else they are F32
 */
record ByteEpilogue(float residualScale, Nonlinearity activation, boolean bytes) {
    boolean residual() {
        return residualScale != 0;
    }

    /** Bytes of a result. */
    int size() {
        return bytes ? 1 : 4;
    }
}
