package dev.jacquard.emulator;

import dev.jacquard.kernels.driver.TensorMap.Swizzle;

/**
 * Where {@code wgmma} finds a matrix in shared memory: what its 64-bit descriptor says (PTX ISA, "Matrix descriptor format" and "Shared memory matrix layout").
 *
 * <p>All is in chunks of 16 bytes, eight of which, a line apart, make a core matrix. A matrix whose chunks go along k (K-major, what is not transposed) has as lines its rows of m
 * or n; one whose chunks go along m or n (transposed) has as lines its k. Without a swizzle the eight lines are 16 bytes apart; with one they are a span apart and hold a span's
 * chunks, permuted.
 *
 * @param start address of the first chunk before the permutation
 * @param leading bytes between core matrices: without a swizzle along k; of a swizzled transposed matrix from span to span along m or n; else not used
 * @param stride bytes between core matrices the other way
 * @param swizzle how chunks are permuted
 */
record SharedMatrix(int start, int leading, int stride, Swizzle swizzle) {
    private static final Swizzle[] MODES = {Swizzle.NONE, Swizzle.B128, Swizzle.B64, Swizzle.B32};

    /** Reads a descriptor. @throws Fault if its start is not where the swizzle's pattern begins; base offsets other than zero are not known */
    static SharedMatrix of(long descriptor, int lane) {
        int start = (int) (descriptor & 0x3fff) << 4;
        Swizzle swizzle = MODES[(int) (descriptor >>> 62)];
        int lines = Math.max(1, swizzle.span() / 16);
        if ((descriptor >>> 49 & 7) != 0) {
            throw new Fault(lane, "wgmma: the emulator does not know matrix descriptors with a base offset: 0x%016x".formatted(descriptor));
        }
        if ((start >> 7 & lines - 1) != 0) {
            String what = "wgmma: a matrix that starts at shared address %d, where no pattern of the %d-byte swizzle does: "
                    + "must be aligned to %d bytes but for its place in the first line (descriptor 0x%016x)";
            throw new Fault(lane, what.formatted(start, swizzle.span(), 8 * swizzle.span(), descriptor));
        }
        return new SharedMatrix(start, (int) (descriptor >>> 16 & 0x3fff) << 4, (int) (descriptor >>> 32 & 0x3fff) << 4, swizzle);
    }

    /** Address of a chunk of a K-major matrix. @param line row of m or n @param chunk number along k */
    int along(int line, int chunk) {
        if (swizzle == Swizzle.NONE) {
            return start + line % 8 * 16 + line / 8 * stride + chunk * leading;
        }
        return swizzle.apply(start + line % 8 * swizzle.span() + line / 8 * stride + chunk * 16);
    }

    /** Address of a chunk of a transposed matrix. @param line of k @param chunk number along m or n */
    int across(int line, int chunk) {
        if (swizzle == Swizzle.NONE) {
            return start + line % 8 * 16 + line / 8 * leading + chunk * stride;
        }
        int per = swizzle.span() / 16;
        return swizzle.apply(start + line % 8 * swizzle.span() + line / 8 * stride + chunk % per * 16 + chunk / per * leading);
    }
}
