package dev.jacquard.cpu.x64;

/**
 * What an 8-bit kernel does to its sums: {@code max(sum * scale + shift + residualScale * r, 0)} in F32, the maximum if asked for, then rounding to bytes if asked for.
 *
 * @param residualScale factor of a residual of bytes, 0 for none
 * @param relu whether negative values become 0
 * @param bytes whether results are bytes, rounded half to even and saturated, NaN as 0; else they are F32
 */
record ByteEpilogue(float residualScale, boolean relu, boolean bytes) {
    boolean residual() {
        return residualScale != 0;
    }

    /** Bytes of a result. */
    int size() {
        return bytes ? 1 : 4;
    }
}
