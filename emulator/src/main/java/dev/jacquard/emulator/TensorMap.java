package dev.jacquard.emulator;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A tensor in device memory and the box that {@code cp.async.bulk.tensor} copies of it: what {@code cuTensorMapEncodeTiled} puts into a {@code CUtensorMap}, of which NVIDIA publishes the size and
 * not the layout. Here {@link #encode} gives the 128 bytes, in a layout of the emulator's own; a kernel takes them as a {@code const __grid_constant__} parameter. Lists begin with the innermost
 * dimension. Elements are copied as bytes, their step is one, and what lies outside of the tensor reads as zeros and is not written.
 *
 * @param elementBytes bytes of an element: 1, 2, 4 or 8
 * @param base address in device memory, a multiple of 16
 * @param sizes elements of each dimension, one to five
 * @param strides bytes from one element to the next in each dimension but the first, multiples of 16
 * @param box elements of the box in each dimension, 1 to 256; the first ones' bytes are a multiple of 16
 * @param swizzle where in shared memory the box's 16-byte chunks go
 */
public record TensorMap(int elementBytes, long base, List<Long> sizes, List<Long> strides, List<Integer> box, Swizzle swizzle) {
    /** Bytes of an encoded map. */
    public static final int BYTES = 128;
    private static final int MAGIC = 0x4a544d31;
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
        int rank = sizes.size();
        require(rank >= 1 && rank <= MOST_DIMENSIONS && strides.size() == rank - 1 && box.size() == rank, "1 to 5 sizes, as many of the box, and a stride less");
        require(elementBytes >= 1 && elementBytes <= 8 && Integer.bitCount(elementBytes) == 1, "an element of 1, 2, 4 or 8 bytes");
        require((base & 15) == 0, "a base that is a multiple of 16");
        require(sizes.stream().allMatch(n -> n >= 1 && n <= 1L << 32), "sizes of 1 to 2^32");
        require(strides.stream().allMatch(n -> n > 0 && n < 1L << 40 && n % 16 == 0), "strides that are multiples of 16 and less than 2^40");
        require(box.stream().allMatch(n -> n >= 1 && n <= 256), "a box of 1 to 256 elements in each dimension");
        int row = box.getFirst() * elementBytes;
        require(row % 16 == 0, "a box whose rows are multiples of 16 bytes");
        require(swizzle == Swizzle.NONE || row <= swizzle.span, "a box whose rows are not longer than the span of the swizzle");
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new DriverException(Kind.OTHER, "emulator: tensor map: expected " + what);
        }
    }

    /** The map as a kernel's parameter. */
    public byte[] encode() {
        ByteBuffer to = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        to.putInt(MAGIC).put((byte) sizes.size()).put((byte) elementBytes).put((byte) swizzle.ordinal()).put((byte) 0).putLong(base);
        sizes.forEach(n -> to.putInt((int) (n - 1)));
        strides.forEach(to::putLong);
        box.forEach(n -> to.putShort((short) (int) n));
        return to.array();
    }

    /** The map of 128 bytes, or null if they are none. */
    static TensorMap decode(byte[] bytes) {
        ByteBuffer from = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (from.getInt() != MAGIC) {
            return null;
        }
        int rank = from.get();
        int element = from.get();
        Swizzle swizzle = Swizzle.values()[from.get()];
        from.get();
        long base = from.getLong();
        List<Long> sizes = new ArrayList<>();
        List<Long> strides = new ArrayList<>();
        List<Integer> box = new ArrayList<>();
        for (int i = 0; i < rank; i++) {
            sizes.add((from.getInt() & 0xffffffffL) + 1);
        }
        for (int i = 1; i < rank; i++) {
            strides.add(from.getLong());
        }
        for (int i = 0; i < rank; i++) {
            box.add((int) from.getShort());
        }
        return new TensorMap(element, base, sizes, strides, box, swizzle);
    }

    /** Bytes of the box. */
    public int boxBytes() {
        return box.stream().reduce(elementBytes, Math::multiplyExact);
    }

    /** Visits the parts of a box's rows that lie in the tensor. */
    interface Row {
        /** @param address of the first byte @param at where it is in the box @param n bytes */
        void of(long address, int at, int n);
    }

    /** Visits a box's rows. @param corner coordinates of its first element, which may be negative */
    void rows(int[] corner, Row row) {
        int width = box.getFirst();
        long from = Math.max(corner[0], 0);
        long to = Math.min(corner[0] + (long) width, sizes.getFirst());
        if (from >= to) {
            return;
        }
        int rows = boxBytes() / elementBytes / width;
        for (int r = 0; r < rows; r++) {
            int rest = r;
            long address = base + from * elementBytes;
            boolean inside = true;
            for (int d = 1; d < box.size(); d++) {
                long c = corner[d] + (long) (rest % box.get(d));
                rest /= box.get(d);
                inside &= c >= 0 && c < sizes.get(d);
                address += c * strides.get(d - 1);
            }
            if (inside) {
                row.of(address, (r * width + (int) (from - corner[0])) * elementBytes, (int) (to - from) * elementBytes);
            }
        }
    }
}
