package dev.jacquard.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Op;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Eager execution: values, gradients, and who frees the memory. */
class ScopeTest {
    private final AtomicInteger open = new AtomicInteger();
    private final Backend backend = new Counting(new ReferenceBackend(), open);

    /** Counts open buffers. */
    private record Counting(Backend inner, AtomicInteger open) implements Backend {
        @Override
        public String name() {
            return inner.name();
        }

        @Override
        public String description() {
            return inner.description();
        }

        @Override
        public Buffer allocate(long bytes, String purpose) {
            open.incrementAndGet();
            return new Counted(inner.allocate(bytes, purpose), open);
        }

        @Override
        public Optional<String> unsupported(Op op, List<TensorType> inputs) {
            return inner.unsupported(op, inputs);
        }

        @Override
        public Launch prepare(Op op, List<View> inputs, List<View> outputs, Buffer workspace) {
            return inner.prepare(op, inputs.stream().map(Counting::bare).toList(), outputs.stream().map(Counting::bare).toList(), ((Counted) workspace).inner());
        }

        private static View bare(View v) {
            return new View(((Counted) v.buffer()).inner(), v.dtype(), v.layout());
        }

        @Override
        public void close() {
            inner.close();
        }
    }

    private record Counted(Buffer inner, AtomicInteger open) implements Buffer {
        @Override
        public long bytes() {
            return inner.bytes();
        }

        @Override
        public void upload(long at, MemorySegment host) {
            inner.upload(at, host);
        }

        @Override
        public void download(long at, MemorySegment host) {
            inner.download(at, host);
        }

        @Override
        public Buffer slice(long at, long bytes) {
            return inner.slice(at, bytes);
        }

        @Override
        public void close() {
            open.decrementAndGet();
            inner.close();
        }
    }

    @Test
    void opsRunAtOnceAndViewsShareMemory() {
        try (Scope s = Scope.open(backend)) {
            EagerTensor x = s.tensor(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
            assertArrayEquals(new float[] {1, 4, 2, 5, 3, 6}, ((EagerTensor) x.transpose(1, 0)).floats());
            assertEquals(91, ((EagerTensor) x.square().sum()).item());
            assertArrayEquals(new float[] {-1, -4}, ((EagerTensor) x.slice(1, 0, 1).neg().reshape(2)).floats());
        }
        assertEquals(0, open.get());
    }

    @Test
    void gradientsOfEagerTensors() {
        try (Scope s = Scope.training(backend)) {
            Tensor x = s.tensor(new float[] {1, -2}, 2);
            Tensor w = s.tensor(new float[] {3, 4}, 2);
            List<Tensor> g = Gradients.of(x.mul(w).relu().sum(), List.of(x, w));
            assertArrayEquals(new float[] {3, 0}, ((EagerTensor) g.get(0)).floats(), 0);
            assertArrayEquals(new float[] {1, 0}, ((EagerTensor) g.get(1)).floats(), 0);
        }
    }

    @Test
    void aClosedScopeRefusesWork() {
        Scope s = Scope.open(backend);
        Tensor x = s.tensor(new float[] {1}, 1);
        s.close();
        s.close();
        assertTrue(assertThrows(CallerException.class, x::exp).getMessage().contains("scope is closed"));
        try (Scope other = Scope.open(backend)) {
            Tensor y = other.tensor(new float[] {1}, 1);
            assertTrue(assertThrows(CallerException.class, () -> y.add(x)).getMessage().contains("another context"));
        }
    }

    @Test
    void aForgottenScopeIsFreedAndReported() throws InterruptedException {
        PrintStream real = System.err;
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
        try {
            forget();
            for (int i = 0; i < 200 && (open.get() > 0 || !log.toString(StandardCharsets.UTF_8).contains("never closed")); i++) {
                System.gc();
                Thread.sleep(20);
            }
        } finally {
            System.setErr(real);
        }
        assertEquals(0, open.get(), "buffers still open");
        String report = log.toString(StandardCharsets.UTF_8);
        assertTrue(report.contains("never closed") && report.contains("sigmoid=1") && report.contains("tensor=1"), report);
    }

    private void forget() {
        Scope s = Scope.open(backend);
        s.tensor(new float[] {1, 2}, 2).sigmoid();
    }
}
