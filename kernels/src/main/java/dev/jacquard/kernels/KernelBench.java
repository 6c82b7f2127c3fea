package dev.jacquard.kernels;

import dev.jacquard.kernels.catalog.Catalog;
import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Reduction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Times workloads on a device, each against the driver's own copy of equal traffic. Before every launch the cache is filled with other memory, as it is in a network, where the
 * last use of a tensor is long ago. It is filled by reading: what a write leaves there would have to go to memory during the launch, at the launch's cost.
 */
public final class KernelBench implements AutoCloseable {
    private static final int WARM_UP = 3;

    private final CudaBackend backend;
    private final Driver driver;
    private final long stream;
    private final Settings settings;
    private final List<Buffer> buffers = new ArrayList<>();
    private final CudaLaunch flush;
    private final long begin;
    private final long end;

    /**
     * How to measure.
     *
     * @param repeats of which the median counts
     * @param flushBytes read before each; more than the device's cache
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
        this.flush = flush(settings.flushBytes);
        this.begin = driver.createEvent(true);
        this.end = driver.createEvent(true);
    }

    /** A sum of so many bytes of zeros. */
    private CudaLaunch flush(long bytes) {
        Op sum = Reduction.Sum.over(0);
        TensorType zeros = TensorType.f32(bytes / DType.F32.bytes());
        View in = View.of(buffer(zeros.bytes()), zeros);
        View out = View.of(buffer(DType.F32.bytes()), TensorType.f32());
        driver.fill(Call.address(in), (byte) 0, zeros.bytes(), stream);
        return (CudaLaunch) backend.prepare(sum, List.of(in), List.of(out), buffer(Math.max(1, backend.workspace(sum, List.of(zeros)))));
    }

    private Buffer buffer(long bytes) {
        Buffer b = backend.allocate(bytes, "the bench's flush");
        buffers.add(b);
        return b;
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
            flush.enqueue(stream);
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
        buffers.forEach(Buffer::close);
        driver.destroyEvent(begin);
        driver.destroyEvent(end);
        driver.destroyStream(stream);
    }
}
