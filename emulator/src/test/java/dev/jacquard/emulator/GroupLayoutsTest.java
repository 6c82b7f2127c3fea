package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.kernels.driver.TensorMap.Swizzle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * {@code wgmma} of each type, with A in registers and in shared memory, of each swizzle and both directions, against a plain product of doubles. Where elements lie is computed
 * here element by element from the layouts of the PTX ISA and of CuTe's comments (canonical layouts of GMMA descriptors), as nested coordinates and strides.
 */
class GroupLayoutsTest {
    private static final int SHARED = 32768;
    private static final int B_AT = 8192;

    /** A matrix in shared memory. */
    private record Layout(Swizzle swizzle, boolean across) {}

    /** An instruction. @param a null for registers */
    private record Case(String type, String result, int bits, int columns, Layout a, Layout b, String signs) {
        int depth() {
            return 256 / bits;
        }

        String text() {
            boolean integer = result.equals("s32");
            String scales = integer ? "" : ", " + signs + (bits != 16 ? "" : (a == null ? "" : a.across ? ", 1" : ", 0") + (b.across ? ", 1" : ", 0"));
            StringBuilder d = new StringBuilder();
            for (int i = 0; i < columns / 2; i++) {
                d.append(i == 0 ? "" : ", ").append("%x").append(i);
            }
            return "wgmma.mma_async.sync.aligned.m64n%dk%d.%s.%s.%s {%s}, %s, %%rd4, %%p1%s;".formatted(columns, depth(), result, type, type, d, a == null ? "{%y0, %y1, %y2, %y3}"
                    : "%rd3", scales);
        }
    }

    /**
     * Byte offset of an element, from nested coordinates: of CuTe's layouts, in elements of {@code t} to 16 bytes. @param leading of the descriptor, in bytes @param stride of the
     * descriptor, in bytes
     */
    private static int place(Layout l, int bits, int line, int k, int leading, int stride) {
        int t = 128 / bits;
        int size = bits / 8;
        int per = Math.max(1, l.swizzle.span() / 16);
        int plain;
        if (l.across && l.swizzle == Swizzle.NONE) { // ((T,1,m),(8,k)):((1,T,SBO),(1T,LBO))
            plain = size * (line % t + k % 8 * t) + line / t * stride + k / 8 * leading;
        } else if (l.across) { // ((T,p,m),(8,k)):((1,T,LBO),(pT,SBO))
            plain = size * (line % t + line / t % per * t + k % 8 * per * t) + line / t / per * leading + k / 8 * stride;
        } else if (l.swizzle == Swizzle.NONE) { // ((8,m),(T,2)):((1T,SBO),(1,LBO))
            plain = size * (line % 8 * t + k % t) + line / 8 * stride + k / t * leading;
        } else { // ((8,m),(T,2)):((pT,SBO),(1,T))
            plain = size * (line % 8 * per * t + k % t + k / t * t) + line / 8 * stride;
        }
        int bit = switch (l.swizzle) { // Swizzle<b,4,3>: b bits from bit 7 on flip those from bit 4 on
            case NONE -> 0;
            case B32 -> plain >> 7 & 1;
            case B64 -> plain >> 7 & 3;
            case B128 -> plain >> 7 & 7;
        };
        return plain ^ bit << 4;
    }

    /** Strides such that nothing overlaps, with gaps. */
    private static int[] strides(Layout l, int lines) {
        if (l.swizzle == Swizzle.NONE) {
            return l.across ? new int[] {lines / 8 * 128 + 128, 128} : new int[] {lines / 8 * 128 + 128, 128};
        }
        int core = 8 * l.swizzle.span();
        return l.across ? new int[] {2 * core, core} : new int[] {16, core};
    }

    private static long descriptor(Layout l, int at, int[] strides) {
        long mode = new long[] {0, 3, 2, 1}[l.swizzle.ordinal()];
        return (Windows.SHARED_START + at) >> 4 | (long) (strides[0] >> 4) << 16 | (long) (strides[1] >> 4) << 32 | mode << 62;
    }

    private static void put(byte[] to, int at, int bits, int value, String type) {
        ByteBuffer b = ByteBuffer.wrap(to).order(ByteOrder.LITTLE_ENDIAN);
        switch (type) {
            case "f16" -> b.putShort(at, Float.floatToFloat16(value));
            case "bf16" -> b.putShort(at, (short) (Float.floatToRawIntBits(value) >>> 16));
            case "tf32" -> b.putInt(at, Float.floatToRawIntBits(value));
            default -> b.put(at, (byte) value);
        }
    }

    private static int[][] values(int lines, int depth, Random random, boolean unsigned) {
        return random.ints(lines, 0, 1).mapToObj(i -> random.ints(depth, unsigned ? 0 : -8, unsigned ? 256 : 9).toArray()).toArray(int[][]::new);
    }

    private static String kernel(Case c) {
        StringBuilder s = new StringBuilder("""
                .version 8.0
                .target sm_90a
                .address_size 64
                .visible .entry k(.param .u64 in, .param .u64 out, .param .u32 add)
                {
                .reg .pred %p<3>; .reg .b32 %r<20>; .reg .b64 %rd<20>; .reg .b32 %x<128>; .reg .b32 %y<4>;
                .shared .align 1024 .b8 s[32768];
                mov.u32 %r10, %tid.x; ld.param.u64 %rd1, [in]; ld.param.u64 %rd2, [out]; ld.param.u32 %r5, [add]; setp.ne.u32 %p1, %r5, 0;
                ld.global.u64 %rd3, [%rd1]; ld.global.u64 %rd4, [%rd1+8]; mul.wide.u32 %rd5, %r10, 4; add.s64 %rd6, %rd1, %rd5;
                mov.u32 %r1, s; shl.b32 %r2, %r10, 2; add.u32 %r1, %r1, %r2; mul.wide.u32 %rd7, %r10, 16; add.s64 %rd7, %rd7, %rd1;
                """);
        s.append("mul.lo.u32 %%r3, %%r10, %d; mul.wide.u32 %%rd8, %%r3, 4; add.s64 %%rd2, %%rd2, %%rd8;%n".formatted(c.columns / 2));
        for (int i = 0; i < SHARED / 512; i++) {
            s.append("ld.global.u32 %%r3, [%%rd6+%d]; st.shared.u32 [%%r1+%d], %%r3;%n".formatted(16 + 512 * i, 512 * i));
        }
        s.append("ld.global.v4.b32 {%%y0, %%y1, %%y2, %%y3}, [%%rd7+%d];%n".formatted(16 + SHARED));
        for (int i = 0; i < c.columns / 2; i++) {
            s.append("ld.global.b32 %%x%d, [%%rd2+%d];%n".formatted(i, 4 * i));
        }
        s.append("fence.proxy.async.shared::cta; bar.sync 0; wgmma.fence.sync.aligned;\n").append(c.text())
                .append("\nwgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0;\n");
        for (int i = 0; i < c.columns / 2; i++) {
            s.append("st.global.b32 [%%rd2+%d], %%x%d;%n".formatted(4 * i, i));
        }
        return s.append("ret;\n}\n").toString();
    }

    private static void check(Case c, int add) {
        Random random = new Random(c.hashCode() & 7);
        boolean unsigned = c.type.equals("u8");
        int[][] a = values(64, c.depth(), random, unsigned);
        int[][] b = values(c.columns, c.depth(), random, unsigned);
        byte[] in = new byte[16 + SHARED + 128 * 16];
        byte[] shared = new byte[SHARED];
        int[] strideA = c.a == null ? null : strides(c.a, 64);
        int[] strideB = strides(c.b, c.columns);
        for (int k = 0; k < c.depth(); k++) {
            for (int i = 0; i < 64; i++) {
                // In registers: the row is warp and lane / 4, upper half in odd registers; the columns of four lanes are 16 bytes, the second 16 in registers 2 and 3.
                int lane = 32 * (i / 16) + i % 8 * 4 + k * c.bits / 8 % 16 / 4;
                int register = i / 8 % 2 + 2 * (k * c.bits / 128);
                put(c.a == null ? in : shared, c.a == null ? 16 + SHARED + 16 * lane + 4 * register + k * c.bits / 8 % 4 : place(c.a, c.bits, i, k, strideA[0], strideA[1]),
                        c.bits, a[i][k], c.type);
            }
            for (int j = 0; j < c.columns; j++) {
                put(shared, B_AT + place(c.b, c.bits, j, k, strideB[0], strideB[1]), c.bits, b[j][k], c.type);
            }
        }
        ByteBuffer head = ByteBuffer.wrap(in).order(ByteOrder.LITTLE_ENDIAN);
        head.putLong(0, c.a == null ? 0 : descriptor(c.a, 0, strideA)).putLong(8, descriptor(c.b, B_AT, strideB));
        System.arraycopy(shared, 0, in, 16, SHARED);
        int[] before = random.ints(64 * c.columns, -50, 50).toArray();
        boolean integer = c.result.equals("s32");
        try (Rig rig = new Rig(EmulatorOptions.DEFAULT, "k", kernel(c).getBytes(StandardCharsets.UTF_8))) {
            long y = rig.upload(Arrays.stream(before).map(v -> integer ? v : Float.floatToRawIntBits(v)).toArray());
            rig.launch("k", 1, 128, 0, rig.upload(in), y, add);
            int[] got = rig.ints(y, before.length);
            for (int i = 0; i < before.length; i++) {
                int thread = i / (c.columns / 2);
                int r = i % (c.columns / 2);
                int row = 16 * (thread / 32) + thread % 32 / 4 + (r & 2) * 4;
                int column = r / 4 * 8 + thread % 4 * 2 + r % 2;
                double want = add * before[i];
                for (int k = 0; k < c.depth(); k++) {
                    want += (c.signs.equals("-1, 1") && !integer ? -1.0 : 1.0) * a[row][k] * b[column][k];
                }
                assertEquals(want, integer ? got[i] : Float.intBitsToFloat(got[i]), "row " + row + ", column " + column);
            }
        }
    }

    @TestFactory
    List<DynamicTest> products() {
        List<Case> cases = new ArrayList<>();
        List<Layout> along = Arrays.stream(Swizzle.values()).map(s -> new Layout(s, false)).toList();
        List<Layout> across = Arrays.stream(Swizzle.values()).map(s -> new Layout(s, true)).toList();
        for (int i = 0; i < 4; i++) {
            Layout a = along.get(i);
            Layout b = along.get(3 - i);
            cases.add(new Case("f16", "f32", 16, 64, a, b, "1, 1"));
            cases.add(new Case("bf16", "f32", 16, 8 + 8 * i, null, b, "-1, 1"));
            cases.add(new Case("tf32", "f32", 32, 96, a, a, "1, 1"));
            cases.add(new Case("s8", "s32", 8, 32, a, b, ""));
            cases.add(new Case("u8", "s32", 8, 128, null, a, ""));
            cases.add(new Case("f16", "f32", 16, 64, across.get(i), b, "-1, 1"));
            cases.add(new Case("f16", "f32", 16, 128, a, across.get(i), "1, 1"));
            cases.add(new Case("bf16", "f32", 16, 64, across.get(i), across.get(3 - i), "1, 1"));
            cases.add(new Case("f16", "f32", 16, 64, null, across.get(i), "1, 1"));
        }
        return cases.stream().map(c -> DynamicTest.dynamicTest(c.toString(), () -> {
            check(c, 1);
            check(c, 0);
        })).toList();
    }
}
