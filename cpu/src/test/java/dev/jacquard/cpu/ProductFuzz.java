package dev.jacquard.cpu;

import dev.jacquard.cpu.x64.EmittedProduct;
import dev.jacquard.cpu.x64.InstructionSet;
import dev.jacquard.cpu.x64.QuantizedConv;
import dev.jacquard.tensor.op.Nonlinearity;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Random products of matrices and convolutions of bytes by emitted kernels, as {@link ConvFuzz} does it: bytes exactly. */
final class ProductFuzz implements AutoCloseable {
    private static final double ALLOWED = 16 * 0x1p-24;

    private final List<Fence> memory = new ArrayList<>();
    private final List<Workers> teams;
    private final InstructionSet set;
    private final Random random;

    private ProductFuzz(InstructionSet set, Random random, List<Workers> teams) {
        this.set = set;
        this.random = random;
        this.teams = teams;
    }

    /** Arguments: a file that says what runs, in case the process ends; the first seed; how many; most multiply-adds of one. */
    public static void main(String[] args) throws Exception {
        long first = Long.parseLong(args[1]);
        long count = Long.parseLong(args[2]);
        List<Workers> teams = List.of(new Workers(1), new Workers(2), new Workers(3), new Workers(5));
        int failed = 0;
        for (long seed = first; seed < first + count; seed++) {
            for (InstructionSet set : InstructionSet.values()) {
                Random random = new Random(seed * 104_729);
                Files.writeString(Path.of(args[0]), seed + " " + set + "\n");
                try (ProductFuzz fuzz = new ProductFuzz(set, random, teams)) {
                    fuzz.product(Long.parseLong(args[3]));
                    fuzz.bytes(ConvFuzz.shape(random, Long.parseLong(args[3])));
                } catch (AssertionError | RuntimeException e) {
                    failed++;
                    System.out.println("FAIL seed " + seed + " " + set + ": " + e);
                    if (!(e instanceof AssertionError)) {
                        e.printStackTrace(System.out);
                    }
                }
            }
        }
        teams.forEach(Workers::close);
        System.out.println(count + " products, " + failed + " failed");
        System.exit(failed > 0 ? 1 : 0);
    }

    @Override
    public void close() {
        memory.forEach(Fence::close);
    }

    private Fence fence(long bytes, long alignment) {
        Fence f = new Fence(bytes, random.nextBoolean() ? Fence.Side.BEGINNING : Fence.Side.END, alignment);
        f.segment().fill((byte) 0xff);
        memory.add(f);
        return f;
    }

    private float[] values(int n) {
        float[] v = new float[n];
        for (int i = 0; i < n; i++) {
            v[i] = random.nextFloat() * 2 - 1;
        }
        return v;
    }

    private long floats(float[] v) {
        long at = fence(4L * v.length, 4).address;
        for (int i = 0; i < v.length; i++) {
            Raw.set(at + 4L * i, v[i]);
        }
        return at;
    }

    private int size() {
        return (int) Math.exp(random.nextDouble() * Math.log(700));
    }

    private void product(long most) {
        int m;
        int n;
        int k;
        do {
            m = size();
            n = size();
            k = random.nextInt(20) == 0 ? 0 : size() * (random.nextInt(8) == 0 ? 20 : 1);
        } while ((long) m * n * k > most);
        boolean ta = random.nextBoolean();
        boolean tb = random.nextBoolean();
        Epilogue e = new Epilogue(random.nextBoolean(), random.nextBoolean(), random.nextBoolean(), Nonlinearity.values()[random.nextInt(3)]);
        float[] a = values(m * k);
        float[] b = values(n * k);
        float[] scale = values(n);
        float[] shift = values(n);
        float[] residual = values(m * n);
        double[] want = new double[m * n];
        for (int i = 0; i < want.length; i++) {
            int row = i / n;
            int col = i % n;
            double sum = 0;
            for (int d = 0; d < k; d++) {
                sum += (double) a[ta ? d * m + row : row * k + d] * b[tb ? col * k + d : d * n + col];
            }
            want[i] = finish(e, sum, scale[col], shift[col], residual[i]);
        }
        EmittedProduct.Spec spec = new EmittedProduct.Spec(m, n, k, ta, tb);
        long aAt = floats(a);
        long bAt = floats(b);
        long scaleAt = e.scale() ? floats(scale) : 0;
        long shiftAt = e.shift() ? floats(shift) : 0;
        float[] first = null;
        for (Workers team : teams) {
            EmittedProduct product = EmittedProduct.of(spec, e, team, set).orElseThrow();
            boolean same = random.nextBoolean();
            long out = e.residual() && same ? floats(residual) : fence(4L * m * n, 4).address;
            product.run(aAt, bAt, scaleAt, shiftAt, e.residual() ? same ? out : floats(residual) : 0, out, fence(product.workspaceBytes(), 64).address);
            float[] got = new float[want.length];
            for (int i = 0; i < got.length; i++) {
                got[i] = Raw.get(out + 4L * i);
                double allowed = ALLOWED * (Math.abs(want[i]) + Math.sqrt(k + 1) * Math.max(1, Math.sqrt(k) / 24));
                require(Math.abs(got[i] - want[i]) <= allowed && (first == null || Float.floatToRawIntBits(got[i]) == Float.floatToRawIntBits(first[i])),
                        spec + " " + e + " threads " + team.size() + ": element " + i + " got " + got[i] + " want " + want[i]);
            }
            first = got;
        }
    }

    private static void require(boolean right, String message) {
        if (!right) {
            throw new AssertionError(message);
        }
    }

    private static double finish(Epilogue e, double sum, float scale, float shift, float residual) {
        double v = e.scale() ? sum * scale : sum;
        v = e.shift() ? v + shift : v;
        v = e.residual() ? v + residual : v;
        return switch (e.activation()) {
            case NONE -> v;
            case RELU -> Math.max(v, 0);
            case SILU -> v / (1 + Math.exp(-v));
        };
    }

    private long bytesAt(byte[] v) {
        Fence f = fence(v.length, 1);
        f.segment().copyFrom(java.lang.foreign.MemorySegment.ofArray(v));
        return f.address;
    }

    private byte[] randomBytes(int n) {
        byte[] v = new byte[n];
        random.nextBytes(v);
        return v;
    }

    /** Scales and shifts are powers of two and small integers: all of it is exact in F32. */
    private void bytes(ConvShape s) {
        byte[] x = randomBytes(s.n() * s.h() * s.w() * s.c());
        byte[] w = randomBytes(s.k() * s.r() * s.s() * s.groupC());
        int outs = s.n() * s.oh() * s.ow() * s.k();
        byte[] residual = randomBytes(outs);
        boolean narrow = random.nextBoolean();
        double residualScale = random.nextBoolean() ? 0 : 0.5;
        Nonlinearity activation = random.nextBoolean() ? Nonlinearity.RELU : Nonlinearity.NONE;
        int shiftBits = narrow ? 7 + (32 - Integer.numberOfLeadingZeros(s.r() * s.s() * s.groupC())) / 2 : 10;
        float[] scale = new float[s.k()];
        float[] shift = new float[s.k()];
        for (int k = 0; k < s.k(); k++) {
            scale[k] = (float) Math.scalb(1.0, -shiftBits);
            shift[k] = random.nextInt(9) - 4;
        }
        int[] sums = sums(s, x, w);
        long xAt = bytesAt(x);
        long wAt = bytesAt(w);
        long rAt = residualScale == 0 ? 0 : bytesAt(residual);
        long scaleAt = floats(scale);
        long shiftAt = floats(shift);
        for (Workers team : teams) {
            QuantizedConv conv = QuantizedConv.of(s, residualScale, activation, narrow, team, set);
            long out = fence(narrow ? outs : 4L * outs, narrow ? 1 : 4).address;
            long packed = fence(conv.packedBytes(), 64).address;
            conv.pack(wAt, packed);
            conv.run(xAt, packed, scaleAt, shiftAt, rAt, out, fence(conv.workspaceBytes(), 64).address);
            for (int i = 0; i < outs; i++) {
                float v = (float) ((double) sums[i] * scale[i % s.k()] + shift[i % s.k()]);
                v = residualScale == 0 ? v : (float) (v + residualScale * residual[i]);
                v = activation == Nonlinearity.RELU ? Math.max(v, 0) : v;
                float want = narrow ? (float) Math.clamp(Math.rint(v), -128, 127) : v;
                float got = narrow ? Raw.getByte(out + i) : Raw.get(out + 4L * i);
                require(got == want, conv + " threads " + team.size() + ": element " + i + " got " + got + " want " + want);
            }
        }
    }

    private static int[] sums(ConvShape s, byte[] x, byte[] w) {
        int[] y = new int[s.n() * s.oh() * s.ow() * s.k()];
        int gc = s.groupC();
        for (int at = 0; at < y.length / s.k(); at++) {
            for (int tap = 0; tap < s.r() * s.s(); tap++) {
                int ih = at / s.ow() % s.oh() * s.strideH() - s.padTop() + tap / s.s() * s.dilationH();
                int iw = at % s.ow() * s.strideW() - s.padLeft() + tap % s.s() * s.dilationW();
                if (ih < 0 || ih >= s.h() || iw < 0 || iw >= s.w()) {
                    continue;
                }
                int from = ((at / (s.oh() * s.ow()) * s.h() + ih) * s.w() + iw) * s.c();
                for (int k = 0; k < s.k(); k++) {
                    for (int c = 0; c < gc; c++) {
                        y[at * s.k() + k] += x[from + k / s.groupK() * gc + c] * w[(k * s.r() * s.s() + tap) * gc + c];
                    }
                }
            }
        }
        return y;
    }
}
