package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.driver.DeviceInfo;
import dev.jacquard.tensor.DType;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which ways a sparse product has on which device. */
class SparseProductTest {
    private static final SparseProduct SQUARE = new SparseProduct(4096, 4096, 4096);

    private static Target device(int major, int shared, int driver) {
        return new Target(new DeviceInfo("a device", major, 0, 132, 80L << 30, shared, driver), false);
    }

    private static List<String> ways(SparseProduct p, DType dtype, Target target) {
        return p.floating(dtype, target, Epilogue.NONE).stream().map(Candidate::name).toList();
    }

    private static List<String> bytes(SparseProduct p, Target target) {
        return p.quantized(target, Epilogue.NONE).stream().map(Candidate::name).toList();
    }

    @Test
    void theLargestTileThatLeavesNoDeviceIdleComesFirst() {
        Target h200 = device(9, 227 << 10, 13_000);
        assertEquals(List.of("mma.sp 256x128", "mma.sp 128x128", "mma.sp 64x32"), ways(SQUARE, DType.F16, h200).subList(0, 3));
        assertEquals("mma.sp 128x128 split 2", ways(new SparseProduct(6272, 256, 512), DType.BF16, h200).getFirst());
        assertEquals("mma.sp 64x32 split 8", ways(new SparseProduct(1, 1000, 2048), DType.F16, h200).getFirst());
        assertEquals("mma.sp 64x32", bytes(new SparseProduct(1, 1000, 2048), h200).getFirst());
    }

    @Test
    void tilesThatDoNotFitAreNotOffered() {
        List<String> ways = ways(SQUARE, DType.F16, device(8, 99 << 10, 13_000));
        assertEquals("mma.sp 128x128", ways.getFirst());
        assertTrue(ways.stream().noneMatch(s -> s.contains("256x128")), ways.toString());
    }

    @Test
    void whereMmaSpIsMissingTheMatrixIsExpanded() {
        Target h200 = device(9, 227 << 10, 13_000);
        Target oldDriver = device(9, 227 << 10, 12_040);
        Target oldDevice = device(7, 64 << 10, 13_000);
        for (List<String> ways : List.of(ways(SQUARE, DType.F16, oldDriver), bytes(SQUARE, oldDriver), ways(SQUARE, DType.F16, oldDevice),
                ways(new SparseProduct(8, 8, 24), DType.F16, h200), ways(SQUARE, DType.F32, h200), bytes(new SparseProduct(8, 8, 48), h200))) {
            assertTrue(!ways.isEmpty() && ways.stream().allMatch(s -> s.startsWith("expand, ")), ways.toString());
        }
        assertEquals(List.of(), bytes(SQUARE, oldDevice), "the definition is left");
    }
}
