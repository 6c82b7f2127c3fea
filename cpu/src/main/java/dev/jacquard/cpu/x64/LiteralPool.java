package dev.jacquard.cpu.x64;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The constants of one function: where its code asks for them, and their bytes behind it. Each lies at a multiple of its own size, so that none crosses a cache line. */
final class LiteralPool {
    private static final int LINE = 64;

    /** @param at offset of four bytes for a distance @param length bytes from there to the instruction's end */
    private record Use(int at, int length) {}

    private final Map<List<Integer>, List<Use>> uses = new LinkedHashMap<>();

    /** Notes that the distance at some offset is to be that of a constant. */
    void use(List<Integer> words, int at, int length) {
        uses.computeIfAbsent(words, _ -> new ArrayList<>()).add(new Use(at, length));
    }

    /** Code with its distances filled in, and the constants behind it. */
    byte[] bytes(byte[] code, int size) {
        if (uses.isEmpty()) {
            return Arrays.copyOf(code, size);
        }
        // The largest first: sizes are powers of two, so that all are aligned.
        List<List<Integer>> all = uses.keySet().stream().sorted(Comparator.comparing(w -> -w.size())).toList();
        int start = Math.ceilDiv(size, LINE) * LINE;
        ByteBuffer out = ByteBuffer.allocate(start + 4 * all.stream().mapToInt(List::size).sum()).order(ByteOrder.LITTLE_ENDIAN);
        out.put(code, 0, size).position(start);
        for (List<Integer> words : all) {
            int here = out.position();
            uses.get(words).forEach(u -> out.putInt(u.at, here - u.at - u.length));
            words.forEach(out::putInt);
        }
        return out.array();
    }
}
