package dev.jacquard.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Tensors of several sizes as chunks of a launch. */
class ChunkTest {
    @Test
    void eachPartIsCutByItsSizeAlone() {
        long g = Call.GRAIN;
        long large = 2 * g + 1;
        List<Chunk<Long>> chunks = Chunk.cut(List.of(3L, g, large), Long::longValue);
        assertEquals(List.of(new Chunk<>(3L, 0, 3), new Chunk<>(g, 0, g), new Chunk<>(large, 0, g), new Chunk<>(large, g, 2 * g), new Chunk<>(large, 2 * g, large)), chunks);
    }

    @Test
    void thereAreAsManyAsAreCounted() {
        for (long size : new long[] {0, 1, Call.GRAIN - 1, Call.GRAIN, Call.GRAIN + 1}) {
            assertEquals(Chunk.cut(List.of(size), Long::longValue).size(), Chunk.count(size), () -> size + " elements");
        }
    }
}
