package dev.jacquard.kernels.driver;

import dev.jacquard.kernels.driver.DriverException.Kind;
import java.util.Collections;
import java.util.List;

/**
 * A tensor in device memory and the box that {@code cp.async.bulk.tensor} copies of it: what {@code cuTensorMapEncodeTiled} takes (CUDA Driver API, "Tensor Map Object
 * Management"). {@link Driver#encode} makes the 128 bytes of it that a kernel takes as a {@code const __grid_constant__} parameter. Lists begin with the innermost dimension.
 * Elements are copied as bytes, and what lies outside of the tensor reads as zeros and is not written.
 *
 * @param elementBytes bytes of an element: 1, 2, 4 or 8
 * @param base address in device memory, a multiple of 16
 * @param sizes elements of each dimension, one to five of them
 * @param strides bytes from one element to the next in each dimension but the first, multiples of 16
 * @param box elements of the tensor that the box spans in each dimension, 1 to 256; the first ones' bytes are a multiple of 16
 * @param steps of the box in each dimension, 1 to 8: it holds every so-manieth element; the first is 1
 * @param swizzle where in shared memory the box's 16-byte chunks go
 */
public record TensorMap(int elementBytes, long base, List<Long> sizes, List<Long> strides, List<Integer> box, List<Integer> steps, Swizzle swizzle) {
    /** Bytes of an encoded map. */
    public static final int BYTES = 128;
    /** An encoded map's place among a kernel's parameters is a multiple of this. */
    public static final int ALIGNMENT = 64;
    private static final int MOST_DIMENSIONS = 5;

    /** Permutations of 16-byte chunks: some bits of the chunk's number in its span are flipped by the number of the 128-byte line. */
    public enum Swizzle {
        /** Chunks in order. */
        NONE(0),
        /** Two chunks, by bit 7 of the address. */
        B32(32),
        /** Four chunks, by bits 7 and 8. */
        B64(64),
        /** Eight chunks, by bits 7 to 9. */
        B128(128);

        private final int span;

        Swizzle(int span) {
            this.span = span;
        }

        /** Bytes within which chunks are permuted; 0 if none are. */
        public int span() {
            return span;
        }

        /** Where a byte of shared memory goes. */
        public int apply(int address) {
            return address ^ address >> 3 & Math.max(0, span - 16);
        }
    }

    /** Copies the lists. @throws DriverException of kind OTHER where the driver would refuse */
    public TensorMap {
        sizes = List.copyOf(sizes);
        strides = List.copyOf(strides);
        box = List.copyOf(box);
        steps = List.copyOf(steps);
        int rank = sizes.size();
        require(rank >= 1 && rank <= MOST_DIMENSIONS && strides.size() == rank - 1 && box.size() == rank && steps.size() == rank,
                "1 to 5 sizes, as many of the box, and a stride less");
        require(elementBytes >= 1 && elementBytes <= 8 && Integer.bitCount(elementBytes) == 1, "an element of 1, 2, 4 or 8 bytes");
        require((base & 15) == 0, "a base that is a multiple of 16");
        require(sizes.stream().allMatch(n -> n >= 1 && n <= 1L << 32), "sizes of 1 to 2^32");
        require(strides.stream().allMatch(n -> n > 0 && n < 1L << 40 && n % 16 == 0), "strides that are multiples of 16 and less than 2^40");
        require(box.stream().allMatch(n -> n >= 1 && n <= 256), "a box of 1 to 256 elements in each dimension");
        require(steps.getFirst() == 1 && steps.stream().allMatch(n -> n >= 1 && n <= 8), "steps of 1 to 8, the first of 1");
        int row = box.getFirst() * elementBytes;
        require(row % 16 == 0, "a box whose rows are multiples of 16 bytes");
        require(swizzle == Swizzle.NONE || row <= swizzle.span, "a box whose rows are not longer than the span of the swizzle");
    }

    /** A box of neighbours. */
    public TensorMap(int elementBytes, long base, List<Long> sizes, List<Long> strides, List<Integer> box, Swizzle swizzle) {
        this(elementBytes, base, sizes, strides, box, Collections.nCopies(box.size(), 1), swizzle);
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new DriverException(Kind.OTHER, "tensor map: expected " + what);
        }
    }

    /** Elements that a box holds in a dimension. */
    public int extent(int dimension) {
        return (box.get(dimension) + steps.get(dimension) - 1) / steps.get(dimension);
    }

    /** Bytes of the box. */
    public int boxBytes() {
        int bytes = elementBytes;
        for (int d = 0; d < box.size(); d++) {
            bytes = Math.multiplyExact(bytes, extent(d));
        }
        return bytes;
    }
}
