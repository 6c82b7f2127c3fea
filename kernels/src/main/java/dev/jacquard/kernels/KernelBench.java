package dev.jacquard.kernels;

import dev.jacquard.kernels.catalog.Catalog;
import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.tensor.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Times workloads on a device, each against the driver's own copy of equal traffic. Before every launch the cache is overwritten, as it is in a network, where the last use of a tensor is long ago.
 */
public final class KernelBench implements AutoCloseable {
    private static final int WARM_UP = 3;

    private final CudaBackend backend;
    private final Driver driver;
    private final long stream;
    private final Settings settings;
    private final long flush;
    private final long begin;
    private final long end;

    /**
     * How to measure.
     *
     * @param repeats of which the median counts
     * @param flushBytes overwritten before each; more than the device's cache
     */
    public record Settings(int repeats, long flushBytes) {
        /** 21 repeats; 256 MiB, more than any device's cache. */
        public static final Settings STANDARD = new Settings(21, 256L << 20);
    }

    /**
     * One measured workload.
     *
     * @param op with its operands
     * @param kernels symbols in the order of their launches
     * @param dtype element type
     * @param bytes that the contract says are moved, read and written together
     * @param us median time of the launches in microseconds
     * @param copyUs the same of a copy that moves as many bytes
     */
    public record Row(String op, List<String> kernels, DType dtype, long bytes, double us, double copyUs) {
        /** Header of {@link #csv}. */
        public static final String HEADER = "op,kernels,dtype,bytes,us,gb_per_s,copy_us,percent_of_copy";

        /** As a line of a CSV file. */
        public String csv() {
            return String.format(Locale.ROOT, "\"%s\",%s,%s,%d,%.2f,%.1f,%.2f,%.1f", op, String.join(" ", kernels), dtype, bytes, us, bytes / us / 1e3, copyUs, 100 * copyUs / us);
        }
    }

    /** A bench on a backend, which stays open when this is closed. */
    public KernelBench(CudaBackend backend, Settings settings) {
        this.backend = backend;
        this.driver = backend.device().driver();
        this.settings = settings;
        this.stream = driver.createStream();
        this.flush = backend.device().allocate(settings.flushBytes, "the bench's flush");
        this.begin = driver.createEvent(true);
        this.end = driver.createEvent(true);
    }

    /** Measures a workload. @return empty if there is no kernel for it in this type */
    public Optional<Row> measure(Workload w, DType dtype) {
        return WorkloadRun.of(backend, w, dtype, 1).map(run -> {
            try (run) {
                long bytes = Math.round(run.traffic(Catalog.contract(w.module()).traffic()));
                double us = median(() -> run.enqueue(stream));
                return new Row(w.sample().toString(), run.kernels(), dtype, bytes, us, copy(bytes));
            }
        });
    }

    /** Time of a copy that reads and writes so many bytes together. */
    private double copy(long bytes) {
        long half = Math.max(1, bytes / 2);
        long from = backend.device().allocate(half, "the bench's copy");
        long to = backend.device().allocate(half, "the bench's copy");
        driver.fill(from, (byte) 1, half, stream);
        double us = median(() -> driver.copy(to, from, half, stream));
        backend.device().free(from);
        backend.device().free(to);
        return us;
    }

    private double median(Runnable work) {
        double[] us = new double[settings.repeats];
        for (int i = -WARM_UP; i < settings.repeats; i++) {
            driver.fill(flush, (byte) i, settings.flushBytes, stream);
            driver.record(begin, stream);
            work.run();
            driver.record(end, stream);
            driver.synchronize(stream);
            if (i >= 0) {
                us[i] = driver.milliseconds(begin, end) * 1e3;
            }
        }
        Arrays.sort(us);
        return us[settings.repeats / 2];
    }

    /** The workloads of a module, or, where the text is no module's name, those whose module or op contains it. @param batch images per batch */
    public static List<Workload> workloads(long batch, String text) {
        List<Workload> all = CudaBackend.workloads(batch);
        List<Workload> module = all.stream().filter(w -> w.module().equals(text)).toList();
        return module.isEmpty() ? all.stream().filter(w -> w.module().contains(text) || w.sample().toString().contains(text)).toList() : module;
    }

    /** Frees what it measures with. */
    @Override
    public void close() {
        driver.synchronize(stream);
        backend.device().free(flush);
        driver.destroyEvent(begin);
        driver.destroyEvent(end);
        driver.destroyStream(stream);
    }
}
