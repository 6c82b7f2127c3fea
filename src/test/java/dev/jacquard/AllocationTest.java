package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.data.Normalization;
import dev.jacquard.layers.Decay;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.models.Models;
import dev.jacquard.passes.FrozenPlans;
import dev.jacquard.passes.Fusion;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.tensor.backend.BackendOptions.CpuKernels;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.train.TrainStep;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A planned inference allocates nothing on the heap, a training step under 4 KB, over all threads. Until the compiler has seen a method its calls may allocate, and the Vector API
 * does so by the megabyte: so steps are run in rounds until one is as it should be. What allocates by nature does so in every round. On the Vector API some objects of masks for
 * ragged columns may stay, 336 bytes of them where this was written.
 */
class AllocationTest {
    private static final int ROUNDS = 60;
    private static final int STEPS = 40;

    /** Bytes that this thread and the backend's have allocated; the threads of whoever runs the tests allocate, too. */
    private static long heap(long[] threads) {
        long sum = 0;
        for (long id : threads) {
            sum += ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean()).getThreadAllocatedBytes(id);
        }
        return sum;
    }

    private static long[] threads() {
        return Thread.getAllStackTraces().keySet().stream().filter(t -> t == Thread.currentThread() || t.getName().startsWith("jacquard-cpu-"))
                .mapToLong(Thread::threadId).toArray();
    }

    /** Bytes per step in rounds, the last of which is within the bound or was the last to be tried. */
    private static List<Long> rounds(Runnable step, long bound) {
        List<Long> rounds = new ArrayList<>();
        long[] threads = threads();
        assertTrue(threads.length >= 2, "this thread and one of the backend's at least");
        do {
            long before = heap(threads);
            long asking = heap(threads) - before; // what the question itself costs
            before = heap(threads);
            for (int i = 0; i < STEPS; i++) {
                step.run();
            }
            rounds.add(Math.max(0, heap(threads) - before - asking));
        } while (rounds.getLast() > bound * STEPS && rounds.size() < ROUNDS);
        return rounds;
    }

    private static Backend open(CpuKernels kernels) {
        return Backends.open("cpu", BackendOptions.DEFAULT.threads(2).cpuKernels(kernels));
    }

    @ParameterizedTest
    @CsvSource({"resnet50, AUTO, 0", "se-resnext101-32x4d, AUTO, 0", "efficientnet-b0, AUTO, 0", "resnet18, VECTOR, 512", "efficientnet-b0, VECTOR, 512"})
    void inferenceAllocatesNothing(String arch, CpuKernels kernels, long bound) {
        Module net = Models.create(arch, 10);
        try (Backend backend = open(kernels); State state = new State(backend).initialize(net.variables().values(), 1)) {
            GraphBuilder b = new GraphBuilder(false);
            Tensor x = b.input("images", TensorType.of(DType.F32, 1, 32, 32, 3));
            b.output("logits", net.apply(x));
            try (FrozenPlans frozen = new FrozenPlans(state); Plan plan = frozen.of(Fusion.ofEvaluation(backend).apply(b.build()))) {
                frozen.settle();
                List<Long> rounds = rounds(plan::run, bound);
                System.out.println("inference, " + arch + ", " + backend.description() + ": bytes in rounds of " + STEPS + ": " + rounds);
                assertTrue(rounds.getLast() <= bound * STEPS, () -> "bytes in rounds of " + STEPS + ": " + rounds);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"resnet18, AUTO", "se-resnext101-32x4d, AUTO", "efficientnet-b0, AUTO", "efficientnet-b0, VECTOR"})
    void aTrainingStepAllocatesNextToNothing(String arch, CpuKernels kernels) {
        Module net = Models.create(arch, 10);
        int batch = 2;
        try (Backend backend = open(kernels); State state = new State(backend);
                TrainStep step = TrainStep.of(net, new Optimizer(new Update.SgdMomentum(0.9, 5e-4, true), Decay.WEIGHTS, net),
                        new TrainStep.Settings(batch, 32, Normalization.IMAGENET, 0.1, 1), state);
                Arena arena = Arena.ofShared()) {
            MemorySegment images = arena.allocate(batch * 32 * 32 * 3L, 64);
            for (long i = 0; i < images.byteSize(); i++) {
                images.set(ValueLayout.JAVA_BYTE, i, (byte) (i * 31 % 251));
            }
            MemorySegment labels = arena.allocate(ValueLayout.JAVA_INT, batch);
            long[] count = new long[1];
            List<Long> rounds = rounds(() -> {
                step.feed(images, labels);
                step.compute(count[0]++, 0.001);
                assertTrue(step.loss() >= 0);
                step.commit();
            }, 4095);
            System.out.println("training, " + arch + ", " + backend.description() + ": bytes in rounds of " + STEPS + ": " + rounds);
            assertTrue(rounds.getLast() < 4096 * STEPS, () -> "bytes in rounds of " + STEPS + ": " + rounds);
        }
    }
}
