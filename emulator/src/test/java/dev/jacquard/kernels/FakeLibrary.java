package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.ConvolutionProblem;
import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.MatrixEngine;
import dev.jacquard.kernels.driver.MatrixLibraries;
import dev.jacquard.kernels.driver.ProductProblem;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * F32 products on the host, by engines that a test names: one whose name begins with "transposed" or "short" computes something else, "refuses" throws, "dies" loses the device,
 * "slow" puts its result down three times, "huge" wants more scratch than is given; all others are right.
 */
final class FakeLibrary implements MatrixLibraries {
    private static final int SLOW = 3;

    final List<String> engines = new ArrayList<>();
    private final Driver device;

    FakeLibrary(Driver device) {
        this.device = device;
    }

    @Override
    public List<MatrixEngine> product(ProductProblem p) {
        return engines.stream().<MatrixEngine>map(name -> new Engine(name, p)).toList();
    }

    @Override
    public List<MatrixEngine> convolution(ConvolutionProblem p) {
        return List.of();
    }

    @Override
    public String versions() {
        return "fake-1";
    }

    @Override
    public List<String> report() {
        return List.of("fake: 1");
    }

    private final class Engine implements MatrixEngine {
        private final String name;
        private final ProductProblem p;

        Engine(String name, ProductProblem p) {
            this.name = name;
            this.p = p;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public long workspace() {
            return name.startsWith("huge") ? Choices.MOST_WORKSPACE + 1 : 64;
        }

        @Override
        public Bound bind(Operands o) {
            return stream -> {
                if (name.startsWith("refuses")) {
                    throw new DriverException(DriverException.Kind.LIBRARY, "gemm: NOT_SUPPORTED (15)");
                }
                if (name.startsWith("dies")) {
                    throw new DriverException(DriverException.Kind.KERNEL_FAULT, "an illegal address");
                }
                float[] a = new float[(int) (p.m() * p.k())];
                float[] b = new float[(int) (p.k() * p.n())];
                device.copyToHost(MemorySegment.ofArray(a), o.a(), stream);
                device.copyToHost(MemorySegment.ofArray(b), o.b(), stream);
                for (int i = 0; i < (name.startsWith("slow") ? SLOW : 1); i++) {
                    device.copyToDevice(o.out(), MemorySegment.ofArray(multiplied(a, b)), stream);
                }
            };
        }

        private float[] multiplied(float[] a, float[] b) {
            int m = (int) p.m();
            int n = (int) p.n();
            int k = (int) p.k();
            boolean transposeA = p.transposeA() != name.startsWith("transposed");
            float[] out = new float[m * n];
            for (int i = 0; i < m * n; i++) {
                double sum = 0;
                for (int j = 0; j < (name.startsWith("short") ? k - 1 : k); j++) {
                    sum += (double) a[transposeA ? j * m + i / n : i / n * k + j] * b[p.transposeB() ? i % n * k + j : j * n + i % n];
                }
                out[i] = (float) sum;
            }
            return out;
        }
    }
}
