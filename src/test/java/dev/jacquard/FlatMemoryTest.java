package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.data.Batch;
import dev.jacquard.data.GeneratedImages;
import dev.jacquard.data.Loader;
import dev.jacquard.data.Normalization;
import dev.jacquard.data.Transform;
import dev.jacquard.layers.Activation;
import dev.jacquard.layers.BatchNorm2d;
import dev.jacquard.layers.Conv2d;
import dev.jacquard.layers.Decay;
import dev.jacquard.layers.GlobalAvgPool2d;
import dev.jacquard.layers.Linear;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.layers.Sequential;
import dev.jacquard.models.Models;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.train.RunFolder;
import dev.jacquard.train.RunLog;
import dev.jacquard.train.TrainConfig;
import dev.jacquard.train.TrainListener;
import dev.jacquard.train.TrainStep;
import dev.jacquard.train.Trainer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training steps on batches in memory allocate next to nothing: not on the Java heap, not outside. */
class FlatMemoryTest {
    /** Until the compiler has seen every kernel: before, the Vector API keeps its vectors on the heap. */
    private static final int WARM_UP = 250;
    private static final int STEPS = 500;
    private static final int ROUNDS = 12;
    private static final int BATCH = 2;
    private static final int SIZE = 32;
    private static final long HEAP_BYTES_PER_STEP = 64 << 10;

    /** Counts the bytes that are asked for. */
    private record Counting(Backend backend, AtomicLong bytes) implements Backend {
        @Override
        public String name() {
            return backend.name();
        }

        @Override
        public String description() {
            return backend.description();
        }

        @Override
        public Buffer allocate(long size, String purpose) {
            bytes.addAndGet(size);
            return backend.allocate(size, purpose);
        }

        @Override
        public Optional<String> unsupported(Op op, List<TensorType> inputs) {
            return backend.unsupported(op, inputs);
        }

        @Override
        public boolean accepts(Op op, int input, Layout layout) {
            return backend.accepts(op, input, layout);
        }

        @Override
        public long workspace(Op op, List<TensorType> inputs) {
            return backend.workspace(op, inputs);
        }

        @Override
        public Launch prepare(Op op, List<View> inputs, List<View> outputs, Buffer workspace) {
            return backend.prepare(op, inputs, outputs, workspace);
        }

        @Override
        public void synchronize() {
            backend.synchronize();
        }

        @Override
        public void close() {
            backend.close();
        }
    }

    private static long heapAllocated() {
        return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean()).getTotalThreadAllocatedBytes();
    }

    private static long directBytes() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream().mapToLong(BufferPoolMXBean::getTotalCapacity).sum();
    }

    /**
     * Bytes of heap per step, in rounds, until one rests. How long the warm-up lasts is the compiler's business, and a loaded machine's: what allocates by nature does so in
     * every round.
     */
    private static List<Long> heapPerStep() {
        Module net = Models.create("resnet18", 10);
        AtomicLong asked = new AtomicLong();
        try (Backend backend = new Counting(Backends.open("cpu", 2), asked); State state = new State(backend);
                TrainStep step = TrainStep.of(net, new Optimizer(new Update.SgdMomentum(0.9, 5e-4, true), Decay.WEIGHTS, net),
                        new TrainStep.Settings(BATCH, SIZE, Normalization.IMAGENET, 0.1, 1), state);
                Arena arena = Arena.ofShared()) {
            MemorySegment images = arena.allocate(BATCH * SIZE * SIZE * 3L, 64);
            for (long i = 0; i < images.byteSize(); i++) {
                images.set(ValueLayout.JAVA_BYTE, i, (byte) (i * 31 % 251));
            }
            MemorySegment labels = arena.allocate(ValueLayout.JAVA_INT, BATCH);
            labels.setAtIndex(ValueLayout.JAVA_INT, 1, 7);
            long nativeBytes = asked.get();
            long direct = directBytes();
            steps(step, images, labels, 0, WARM_UP);
            List<Long> rounds = new ArrayList<>();
            do {
                long heap = heapAllocated();
                steps(step, images, labels, WARM_UP + (long) rounds.size() * STEPS, STEPS);
                rounds.add((heapAllocated() - heap) / STEPS);
            } while (rounds.getLast() >= HEAP_BYTES_PER_STEP && rounds.size() < ROUNDS);
            assertEquals(nativeBytes, asked.get(), "bytes asked of the backend");
            assertEquals(direct, directBytes(), "direct buffers");
            return rounds;
        }
    }

    /**
     * In a few JVMs of a hundred the compiler settles on keeping some kernel's vectors on the heap for good, which no code of ours decides; a second JVM then speaks. What our code
     * allocates shows in both.
     */
    @Test
    void fiveHundredStepsAllocateNextToNothing() throws Exception {
        List<Long> here = heapPerStep();
        System.out.println("heap bytes per step, in rounds of " + STEPS + ": " + here);
        if (here.getLast() >= HEAP_BYTES_PER_STEP) {
            Process fresh = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--add-modules=jdk.incubator.vector",
                    "--enable-native-access=ALL-UNNAMED",
                    "-Xmx2g", "-cp", System.getProperty("java.class.path"), FlatMemoryTest.class.getName()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
            String there = new String(fresh.getInputStream().readAllBytes());
            System.out.println("in a fresh JVM: " + there);
            assertEquals(0, fresh.waitFor(), "heap bytes per step, in rounds of " + STEPS + ": " + here + ", in a fresh JVM " + there);
        }
    }

    /** What {@link #fiveHundredStepsAllocateNextToNothing} starts in a fresh JVM: prints the rounds, ends with 1 if none rests. */
    public static void main(String[] args) {
        List<Long> rounds = heapPerStep();
        System.out.println(rounds);
        System.exit(rounds.getLast() < HEAP_BYTES_PER_STEP ? 0 : 1);
    }

    /** A small network, so that two thousand steps are soon done. */
    private static Module small() {
        return Sequential.of(new Conv2d(Conv2d.Config.of(3, 16, 3).stride(2)), new BatchNorm2d(16), Activation.RELU.module(), new GlobalAvgPool2d(), new Linear(16, 10));
    }

    /** Bytes of this process in memory, without the Java heap, whose size is the collector's business. */
    private static long residentOutsideHeap() throws IOException {
        String line = Files.readAllLines(Path.of("/proc/self/status")).stream().filter(l -> l.startsWith("VmRSS:")).findFirst().orElseThrow();
        return Long.parseLong(line.replaceAll("\\D", "")) * 1024 - ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getCommitted();
    }

    /** The least of a few collections: references are cleared one collection after their objects. */
    private static long heapInUse() {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 4; i++) {
            System.gc();
            least = Math.min(least, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
        }
        return least;
    }

    @Test
    void twoThousandStepsWithTheImagePipelineStayFlat() throws IOException {
        Assumptions.assumeTrue(Files.exists(Path.of("/proc/self/status")), "resident memory is read from /proc");
        try (Backend backend = Backends.open("cpu", 2); State state = new State(backend);
                GeneratedImages images = new GeneratedImages(1, GeneratedImages.Split.TRAIN, 200);
                Loader loader = Loader.train(images, Transform.Train.of(SIZE, 0.5)).batch(16).seed(1).open();
                TrainStep step = TrainStep.of(small(), new Optimizer(new Update.SgdMomentum(0.9, 0, false)),
                        new TrainStep.Settings(16, SIZE, Normalization.IMAGENET, 0, 1), state)) {
            train(step, loader, 0, 500);
            // What leaks, leaks in every round; what the compiler and the collector keep for a while does not.
            List<String> rounds = new ArrayList<>();
            boolean flat = false;
            for (int round = 0; round < ROUNDS && !flat; round++) {
                long heap = heapInUse();
                long resident = residentOutsideHeap();
                train(step, loader, 500 + 2000L * round, 2000);
                long heapGrowth = heapInUse() - heap;
                long residentGrowth = residentOutsideHeap() - resident;
                flat = heapGrowth < 8 << 20 && residentGrowth < 48 << 20;
                rounds.add(String.format("heap in use %+d KB, resident memory outside of it %+d KB", heapGrowth >> 10, residentGrowth >> 10));
            }
            System.out.println("2,000 steps with the pipeline: " + rounds);
            assertTrue(flat, "memory grew in every round of 2,000 steps: " + rounds);
        }
    }

    /** Each of many stages has a plan and a loader of its own, of a few megabytes; those of the one before are gone. */
    @Test
    void eightyStagesLeaveNoResidue(@TempDir Path folder) throws IOException {
        Assumptions.assumeTrue(Files.exists(Path.of("/proc/self/status")), "resident memory is read from /proc");
        int stages = 80;
        TrainConfig config = TrainConfig.defaults().with("num-classes", 10).with("generated-images", 128).with("batch", 64).with("image-size", SIZE).with("base-image-size", SIZE)
                .with("epochs", stages)
                .with("stages", stages).with("mixup", 0.2).with("ema", 0.9).with("optimizer-batch-size", 128).with("checkpoints", false).with("warmup-epochs", 0);
        Memory memory = new Memory(20);
        try (Backend backend = Backends.open("cpu", 2); GeneratedImages train = new GeneratedImages(1, GeneratedImages.Split.TRAIN, 128);
                GeneratedImages val = new GeneratedImages(1, GeneratedImages.Split.TEST, 10); RunFolder run = RunFolder.create(folder.resolve("run"));
                Trainer trainer = Trainer.open(new Trainer.Setup(config, small(), backend, train, val), run)) {
            trainer.listen(memory);
            assertTrue(trainer.fit().complete());
        }
        memory.assertFlat("20 stages");
    }

    /** Issue 8's: the whole generated set, twenty times over, evaluations included; what was opened for it is gone when it is closed. */
    @Test
    void twentyEpochsOfTheGeneratedSetStayFlat(@TempDir Path folder) throws IOException {
        Assumptions.assumeTrue(Files.exists(Path.of("/proc/self/status")), "resident memory is read from /proc");
        int pictures = TrainConfig.defaults().data().generatedTrain();
        int held = TrainConfig.defaults().data().generatedVal();
        TrainConfig config = TrainConfig.defaults().with("num-classes", 10).with("batch", 80).with("image-size", SIZE).with("epochs", 20).with("checkpoints", false)
                .with("warmup-epochs", 0)
                .with("augmentation", "randaugment").with("loader-threads", 2);
        Memory memory = new Memory(5);
        try (Backend backend = Backends.open("cpu", 2); GeneratedImages train = new GeneratedImages(1, GeneratedImages.Split.TRAIN, pictures);
                GeneratedImages val = new GeneratedImages(1, GeneratedImages.Split.TEST, held); RunFolder run = RunFolder.create(folder.resolve("run"));
                Trainer trainer = Trainer.open(new Trainer.Setup(config, small(), backend, train, val), run)) {
            trainer.listen(memory);
            assertTrue(trainer.fit().complete());
            assertTrue(loaderThreads() > 0, "this test knows how the threads are called");
        }
        assertEquals(0, loaderThreads(), "threads of loaders after the end");
        memory.assertFlat("5 epochs of the generated set");
    }

    /** What is in use at the end of every so many epochs. */
    private static final class Memory implements TrainListener {
        private final int epochs;
        private final List<Long> heap = new ArrayList<>();
        private final List<Long> resident = new ArrayList<>();

        Memory(int epochs) {
            this.epochs = epochs;
        }

        @Override
        public void epoch(RunLog.Line line, boolean best) {
            if (line.epoch() % epochs == 0) {
                heap.add(heapInUse());
                try {
                    resident.add(residentOutsideHeap());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        }

        /** What leaks, leaks in every round. */
        void assertFlat(String round) {
            boolean flat = false;
            List<String> rounds = new ArrayList<>();
            for (int i = 1; i < heap.size(); i++) {
                long heapGrowth = heap.get(i) - heap.get(i - 1);
                long residentGrowth = resident.get(i) - resident.get(i - 1);
                flat |= heapGrowth < 4 << 20 && residentGrowth < 24 << 20;
                rounds.add(String.format("heap in use %+d KB, resident memory outside of it %+d KB", heapGrowth >> 10, residentGrowth >> 10));
            }
            System.out.println(round + ": " + rounds);
            assertTrue(flat, "memory grew in every round of " + round + ": " + rounds);
        }
    }

    private static long loaderThreads() {
        return Thread.getAllStackTraces().keySet().stream().filter(t -> t.isAlive() && t.getName().startsWith("jacquard-loader")).count();
    }

    private static void train(TrainStep step, Loader loader, long from, int count) {
        for (long i = from; i < from + count;) {
            Batch batch = loader.next();
            if (batch != null) {
                step.feed(batch.images(), batch.labels());
                step.compute(i, 0.01);
                assertTrue(step.loss() >= 0);
                step.commit();
                i++;
            }
        }
    }

    private static void steps(TrainStep step, MemorySegment images, MemorySegment labels, long from, int count) {
        for (long i = from; i < from + count; i++) {
            step.feed(images, labels);
            step.compute(i, 0.001);
            float loss = step.loss();
            assertTrue(loss >= 0, "loss " + loss);
            step.commit();
        }
    }
}
