package dev.jacquard.tensor.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ArenaLayoutTest {
    @Test
    void storagesThatLiveTogetherDoNotOverlap() {
        Random random = new Random(5);
        for (int round = 0; round < 50; round++) {
            List<Storage> all = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                int from = random.nextInt(100);
                Storage s = new Storage(random.nextInt(1000), from, null);
                s.keepUntil(from + random.nextInt(20));
                all.add(s);
            }
            long bytes = ArenaLayout.place(all);
            for (Storage a : all) {
                assertEquals(0, a.offset % ArenaLayout.ALIGNMENT);
                assertTrue(a.offset + a.bytes <= bytes);
                for (Storage b : all) {
                    boolean apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset;
                    assertTrue(a == b || !a.overlapsInTime(b) || apart, "two storages share bytes while both are alive");
                }
            }
            long sum = all.stream().mapToLong(s -> ArenaLayout.align(s.bytes)).sum();
            assertTrue(bytes < sum, "memory is reused: " + bytes + " of " + sum);
        }
    }
}
