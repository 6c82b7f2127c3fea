package dev.jacquard.cpu;

import dev.jacquard.cpu.x64.EmittedConvolutions;
import dev.jacquard.cpu.x64.InstructionSet;
import dev.jacquard.tensor.op.Nonlinearity;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;

/**
 * Random convolutions by emitted kernels against loops in double precision: all directions, every epilogue, for several thread counts bit for bit the same, on {@link Fence fenced}
 * memory that held NaN. A main for long hunts, of which {@link FencedTest} runs a short one in a process of its own.
 */
final class ConvFuzz implements AutoCloseable {
    /**
     * What {@code Tolerance} allows: units of roundoff, relative, and absolute per root of the number of terms; more from 576 terms on, as those are added up one by one (measured:
     * 1.3 times as much at 4096).
     */
    private static final double ALLOWED = 16 * 0x1p-24;
    private static final int[] THREADS = {1, 2, 3, 5};

    private final List<Workers> teams = new ArrayList<>();
    private final List<Fence> memory = new ArrayList<>();
    private final InstructionSet set;
    private final Random random;
    private final ConvShape s;
    private double worst;

    private ConvFuzz(InstructionSet set, ConvShape shape, Random random, List<Workers> teams) {
        this.set = set;
        this.s = shape;
        this.random = random;
        this.teams.addAll(teams);
    }

    /** Arguments: a file that says what runs, in case the process ends; the first seed; how many; most multiply-adds of one. */
    public static void main(String[] args) throws Exception {
        long first = Long.parseLong(args[1]);
        long count = Long.parseLong(args[2]);
        long most = Long.parseLong(args[3]);
        List<Workers> teams = new ArrayList<>();
        for (int n : THREADS) {
            teams.add(new Workers(n));
        }
        int failed = 0;
        double worst = 0;
        for (long seed = first; seed < first + count; seed++) {
            for (InstructionSet set : InstructionSet.values()) {
                Random random = new Random(seed * 7919);
                ConvShape shape = shape(random, most);
                Files.writeString(Path.of(args[0]), seed + " " + set + " " + shape + "\n");
                try (ConvFuzz fuzz = new ConvFuzz(set, shape, random, teams)) {
                    fuzz.run();
                    if (fuzz.worst > worst) {
                        worst = fuzz.worst;
                        System.out.println("worst so far " + worst + " " + set + " " + shape);
                    }
                } catch (AssertionError | RuntimeException e) {
                    failed++;
                    System.out.println("FAIL seed " + seed + " " + set + " " + shape + ": " + e);
                    if (!(e instanceof AssertionError)) {
                        e.printStackTrace(System.out);
                    }
                }
            }
        }
        teams.forEach(Workers::close);
        System.out.println(count + " shapes, " + failed + " failed, worst " + worst);
        System.exit(failed > 0 ? 1 : 0);
    }

    private static int log(Random r, int most) {
        return Math.clamp((long) Math.exp(r.nextDouble() * Math.log(most + 1.0)), 1, most);
    }

    private static int pick(Random r, int... of) {
        return of[r.nextInt(of.length)];
    }

    static ConvShape shape(Random r, long most) {
        while (true) {
            int groups = 1;
            int c = r.nextInt(3) == 0 ? pick(r, 3, 4, 8, 16, 17, 31, 32, 48, 64, 96, 128, 256) : log(r, 300);
            int k = r.nextInt(3) == 0 ? pick(r, 3, 4, 8, 16, 24, 31, 32, 48, 64, 96, 128, 256) : log(r, 300);
            switch (r.nextInt(6)) {
                case 0 -> {
                    groups = c;
                    k = c * pick(r, 1, 1, 1, 1, 2, 3);
                }
                case 1, 2 -> {
                    int gc = pick(r, 1, 2, 3, 4, 5, 8, 12, 16, 20, 24, 32, 40, 64);
                    int gk = r.nextInt(3) > 0 ? gc : pick(r, 1, 2, 3, 4, 5, 8, 12, 16, 20, 24, 32, 40, 64);
                    groups = 1 + log(r, 33);
                    c = groups * gc;
                    k = groups * gk;
                }
                default -> { }
            }
            ConvShape s;
            if (r.nextInt(4) == 0) {
                int p = r.nextInt(3);
                s = new ConvShape(1 + r.nextInt(9), 1 + r.nextInt(40), 1 + r.nextInt(40), c, k, 3, 3, 1, 1, p, p, p, p, 1, 1, groups);
            } else {
                int kh = 1 + r.nextInt(7);
                int kw = r.nextInt(3) == 0 ? 1 + r.nextInt(7) : kh;
                int dh = r.nextInt(5) == 0 ? 1 + r.nextInt(3) : 1;
                int dw = r.nextInt(5) == 0 ? 1 + r.nextInt(3) : 1;
                int sh = 1 + r.nextInt(r.nextInt(4) == 0 ? 4 : 2);
                int sw = r.nextInt(4) == 0 ? 1 + r.nextInt(4) : sh;
                int pad = (Math.max(kh * dh, kw * dw) + 2) * (r.nextInt(6) == 0 ? 2 : 1);
                s = new ConvShape(1 + r.nextInt(9), log(r, 40), log(r, 40), c, k, kh, kw, sh, sw, r.nextInt(pad), r.nextInt(pad), r.nextInt(pad), r.nextInt(pad), dh, dw, groups);
            }
            boolean valid = s.h() + s.padTop() + s.padBottom() > s.dilationH() * (s.r() - 1) && s.w() + s.padLeft() + s.padRight() > s.dilationW() * (s.s() - 1);
            if (valid && (long) s.n() * s.oh() * s.ow() * s.k() * s.groupC() * s.r() * s.s() <= most) {
                return s;
            }
        }
    }

    private long floats(long n, float[] values) {
        Fence f = new Fence(4 * n, random.nextBoolean() ? Fence.Side.BEGINNING : Fence.Side.END, 4);
        memory.add(f);
        for (int i = 0; i < n; i++) {
            Raw.set(f.address + 4L * i, values == null ? Float.NaN : values[i]);
        }
        return f.address;
    }

    private long scratch(long bytes) {
        Fence f = new Fence(bytes, random.nextBoolean() ? Fence.Side.BEGINNING : Fence.Side.END, 64);
        memory.add(f);
        f.segment().fill((byte) 0xff);
        return f.address;
    }

    private float[] values(long n) {
        float[] v = new float[Math.toIntExact(n)];
        for (int i = 0; i < v.length; i++) {
            v[i] = random.nextFloat() * 2 - 1;
        }
        return v;
    }

    @Override
    public void close() {
        memory.forEach(Fence::close);
        memory.clear();
    }

    private void run() {
        float[] x = values((long) s.n() * s.h() * s.w() * s.c());
        float[] w = values((long) s.k() * s.r() * s.s() * s.groupC());
        float[] dy = values((long) s.n() * s.oh() * s.ow() * s.k());
        float[] scale = values(s.k());
        float[] shift = values(s.k());
        float[] residual = values(dy.length);
        double[] y = new double[dy.length];
        double[] dx = new double[x.length];
        double[] dw = new double[w.length];
        naive(x, w, dy, y, dx, dw);
        Epilogue e = new Epilogue(random.nextBoolean(), random.nextBoolean(), random.nextBoolean(), Nonlinearity.values()[random.nextInt(3)]);
        apply(e, y, scale, shift, residual);
        long xAt = floats(x.length, x);
        long wAt = floats(w.length, w);
        long dyAt = floats(dy.length, dy);
        long scaleAt = e.scale() ? floats(s.k(), scale) : 0;
        long shiftAt = e.shift() ? floats(s.k(), shift) : 0;
        long residualAt = e.residual() ? floats(dy.length, residual) : 0;
        packed("forward " + e, t -> Optional.of(EmittedConvolutions.forward(s, e, t, set)), xAt, wAt, new long[] {scaleAt, shiftAt, residualAt}, e.residual() ? residual : null, y,
                s.r() * s.s() * s.groupC());
        packed("backward data", t -> Optional.of(EmittedConvolutions.backwardData(s, t, set)), dyAt, wAt, new long[3], null, dx, s.r() * s.s() * s.groupK());
        weight(xAt, dyAt, dw);
    }

    private void packed(String name, Function<Workers, Optional<PackedConv>> plans, long in, long w, long[] extra, float[] residual, double[] want, int terms) {
        float[] first = null;
        for (Workers team : teams) {
            Optional<PackedConv> plan = plans.apply(team);
            if (plan.isEmpty()) {
                return;
            }
            PackedConv conv = plan.get();
            long out = floats(want.length, null);
            long added = extra[2];
            if (residual != null && random.nextBoolean()) {
                added = out;
                for (int i = 0; i < residual.length; i++) {
                    Raw.set(out + 4L * i, residual[i]);
                }
            }
            long packed = scratch(conv.packedBytes());
            conv.pack(w, packed);
            conv.run(in, packed, extra[0], extra[1], added, out, scratch(conv.workspaceBytes()));
            first = check(name + " " + conv.getClass().getSimpleName() + " threads " + team.size(), out, want, terms, first);
        }
    }

    private void weight(long x, long dy, double[] want) {
        float[] first = null;
        for (Workers team : teams) {
            Optional<Conv> plan = EmittedConvolutions.backwardWeight(s, team, set);
            if (plan.isEmpty()) {
                return;
            }
            long out = floats(want.length, null);
            plan.get().run(x, dy, out, scratch(plan.get().workspaceBytes()));
            first = check("backward weight " + plan.get().getClass().getSimpleName() + " threads " + team.size(), out, want, s.n() * s.oh() * s.ow(), first);
        }
    }

    private float[] check(String name, long out, double[] want, int terms, float[] first) {
        float[] got = new float[want.length];
        for (int i = 0; i < got.length; i++) {
            got[i] = Raw.get(out + 4L * i);
            double used = Math.abs(got[i] - want[i]) / (ALLOWED * (Math.abs(want[i]) + Math.sqrt(terms) * Math.max(1, Math.sqrt(terms) / 24)));
            if (!(used <= 1)) {
                throw new AssertionError(name + ": element " + i + " got " + got[i] + " want " + want[i] + ", of the tolerance " + used);
            }
            worst = Math.max(worst, used);
            if (first != null && Float.floatToRawIntBits(first[i]) != Float.floatToRawIntBits(got[i])) {
                throw new AssertionError(name + ": element " + i + " got " + got[i] + " by one thread " + first[i]);
            }
        }
        return got;
    }

    private static void apply(Epilogue e, double[] y, float[] scale, float[] shift, float[] residual) {
        for (int i = 0; i < y.length; i++) {
            double v = y[i];
            v = e.scale() ? v * scale[i % scale.length] : v;
            v = e.shift() ? v + shift[i % shift.length] : v;
            v = e.residual() ? v + residual[i] : v;
            y[i] = switch (e.activation()) {
                case NONE -> v;
                case RELU -> Math.max(v, 0);
                case SILU -> v / (1 + Math.exp(-v));
            };
        }
    }

    private void naive(float[] x, float[] w, float[] dy, double[] y, double[] dx, double[] dw) {
        int oh = s.oh();
        int ow = s.ow();
        for (int at = 0; at < s.n() * oh * ow; at++) {
            int n = at / (oh * ow);
            for (int tap = 0; tap < s.r() * s.s(); tap++) {
                int ih = at / ow % oh * s.strideH() - s.padTop() + tap / s.s() * s.dilationH();
                int iw = at % ow * s.strideW() - s.padLeft() + tap % s.s() * s.dilationW();
                if (ih >= 0 && ih < s.h() && iw >= 0 && iw < s.w()) {
                    tap(x, w, dy, y, dx, dw, at * s.k(), ((n * s.h() + ih) * s.w() + iw) * s.c(), tap);
                }
            }
        }
    }

    private void tap(float[] x, float[] w, float[] dy, double[] y, double[] dx, double[] dw, int yAt, int xAt, int tap) {
        int gc = s.groupC();
        for (int k = 0; k < s.k(); k++) {
            int xi = xAt + k / s.groupK() * gc;
            int wi = (k * s.r() * s.s() + tap) * gc;
            double g = dy[yAt + k];
            double sum = 0;
            for (int c = 0; c < gc; c++) {
                sum += (double) x[xi + c] * w[wi + c];
                dx[xi + c] += g * w[wi + c];
                dw[wi + c] += g * x[xi + c];
            }
            y[yAt + k] += sum;
        }
    }
}
