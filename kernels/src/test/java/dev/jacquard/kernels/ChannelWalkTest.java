package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.DType;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How tensors with something per channel are cut: completely, within the kernels' limits, alike for all types, and into enough blocks. */
class ChannelWalkTest {
    private static final List<DType> TYPES = List.of(DType.F32, DType.F16, DType.BF16);
    private static final int[] EXTENTS = {1, 2, 3, 8, 9, 24, 31, 64, 96, 100, 264, 320, 672, 1000, 2048, 4096};

    @Test
    void blocksCoverTheTensorAndKeepTheLimits() {
        for (int rows : EXTENTS) {
            for (int channels : EXTENTS) {
                for (DType dtype : TYPES) {
                    check(ChannelWalk.reducing(rows, channels, dtype, 1));
                    check(ChannelWalk.reducing(rows, channels, dtype, 64));
                    check(ChannelWalk.mapping(rows, channels, dtype, 1));
                    check(ChannelWalk.mapping(rows, channels, dtype, 64));
                }
            }
        }
    }

    private static void check(ChannelWalk w) {
        assertTrue(w.tx() >= 1 && w.tx() <= 32 && w.ty() >= 1 && w.tx() * w.ty() <= Call.BLOCK, w.toString());
        assertTrue(w.tiles() * w.tx() * w.width() >= w.channels() && (w.tiles() - 1) * w.tx() * w.width() < w.channels(), "tiles: " + w);
        assertTrue((long) w.chunks() * w.perBlock() >= w.rows() && (long) (w.chunks() - 1) * w.perBlock() < w.rows(), "chunks: " + w);
        assertEquals(0, w.channels() % w.width(), w.toString());
    }

    @Test
    void partialResultsAreAsManyInEveryType() {
        for (int channels : EXTENTS) {
            assertEquals(ChannelWalk.reducing(200_704, channels, DType.F32, 1).chunks(), ChannelWalk.reducing(200_704, channels, DType.F16, 1).chunks(), channels + " channels");
        }
    }

    @Test
    void largeTensorsFillADevice() {
        for (int[] shape : new int[][] {{802_816, 64}, {50_176, 256}, {12_544, 1024}, {3136, 2048}}) { // 64 images of a ResNet-50's stages
            ChannelWalk w = ChannelWalk.reducing(shape[0], shape[1], DType.F16, 1);
            assertTrue(w.tiles() * w.chunks() >= 132, w.toString());
        }
    }

    @Test
    void aSingleImageIsSpreadAndManyImagesAreNotTornIntoNarrowTiles() {
        assertTrue(ChannelWalk.mapping(3136, 64, DType.F16, 1).chunks() >= 48, "two rows to a thread");
        assertEquals(30, ChannelWalk.reducing(49, 1152, DType.F16, 128).tx(), "five tiles of 144 packs");
        assertEquals(8, ChannelWalk.reducing(49, 1152, DType.F16, 1).tx());
    }
}
