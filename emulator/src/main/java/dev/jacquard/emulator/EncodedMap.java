package dev.jacquard.emulator;

import dev.jacquard.kernels.driver.TensorMap;
import dev.jacquard.kernels.driver.TensorMap.Swizzle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** A {@link TensorMap} as the emulator's kernels take it: NVIDIA publishes the size of a {@code CUtensorMap} and not the layout, so this one is the emulator's own. */
final class EncodedMap {
    private static final int MAGIC = 0x4a544d31;

    private EncodedMap() {}

    /** The map as a kernel's parameter. */
    static byte[] encode(TensorMap map) {
        ByteBuffer to = ByteBuffer.allocate(TensorMap.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        to.putInt(MAGIC).put((byte) map.sizes().size()).put((byte) map.elementBytes()).put((byte) map.swizzle().ordinal()).put((byte) 0).putLong(map.base());
        map.sizes().forEach(n -> to.putInt((int) (n - 1)));
        map.strides().forEach(to::putLong);
        map.box().forEach(n -> to.putShort((short) (int) n));
        map.steps().forEach(n -> to.put((byte) (int) n));
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
        List<Integer> steps = new ArrayList<>();
        for (int i = 0; i < rank; i++) {
            sizes.add((from.getInt() & 0xffffffffL) + 1);
        }
        for (int i = 1; i < rank; i++) {
            strides.add(from.getLong());
        }
        for (int i = 0; i < rank; i++) {
            box.add((int) from.getShort());
        }
        for (int i = 0; i < rank; i++) {
            steps.add((int) from.get());
        }
        return new TensorMap(element, base, sizes, strides, box, steps, swizzle);
    }

    /** Visits the parts of a box's rows that lie in the tensor. */
    interface Row {
        /** @param address of the first byte @param at where it is in the box @param n bytes */
        void of(long address, int at, int n);
    }

    /** Visits a box's rows. @param corner coordinates of its first element, which may be negative */
    static void rows(TensorMap map, int[] corner, Row row) {
        int width = map.box().getFirst();
        long from = Math.max(corner[0], 0);
        long to = Math.min(corner[0] + (long) width, map.sizes().getFirst());
        if (from >= to) {
            return;
        }
        int rows = map.boxBytes() / map.elementBytes() / width;
        for (int r = 0; r < rows; r++) {
            int rest = r;
            long address = map.base() + from * map.elementBytes();
            boolean inside = true;
            for (int d = 1; d < map.box().size(); d++) {
                long c = corner[d] + (long) (rest % map.extent(d)) * map.steps().get(d);
                rest /= map.extent(d);
                inside &= c >= 0 && c < map.sizes().get(d);
                address += c * map.strides().get(d - 1);
            }
            if (inside) {
                row.of(address, (r * width + (int) (from - corner[0])) * map.elementBytes(), (int) (to - from) * map.elementBytes());
            }
        }
    }
}
