package dev.jacquard.bench.peers;

import dev.jacquard.layers.Decay;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.models.Weights;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.train.Predictor;
import dev.jacquard.train.TrainStep;
import dev.jacquard.train.Trainer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Ourselves, as users have us: {@link Predictor} and {@link TrainStep} on the CPU backend. */
public final class JacquardEngine implements Engine {
    private final Backend cpu;
    private final Arena arena = Arena.global();
    private Predictor predictor;
    private TrainStep step;
    private int steps;
    private Piece piece;
    private MemorySegment images;
    private MemorySegment labels;
    private MemorySegment logits;
    private float loss;

    private JacquardEngine(int threads) {
        cpu = Backends.open("cpu", threads);
    }

    /** For the JVM. @param args number of threads */
    public static void main(String[] args) throws IOException {
        Engine.serve(new JacquardEngine(Integer.parseInt(args[0])));
    }

    @Override
    public String versions() {
        return "jacquard, " + cpu.description();
    }

    @Override
    public void prepare(Piece p, Material folder) throws IOException {
        piece = p;
        if (p.work() == Piece.Work.INFER) {
            float[] nhwc = folder.imagesChannelsLast(p.batch(), p.pixels());
            images = arena.allocateFrom(ValueLayout.JAVA_FLOAT, nhwc);
            predictor = Predictor.load(null, folder.weights(), cpu);
            logits = arena.allocate(ValueLayout.JAVA_FLOAT, (long) p.batch() * predictor.classes());
        } else {
            images = arena.allocateFrom(ValueLayout.JAVA_BYTE, folder.pixels(p.batch(), p.pixels()));
            labels = arena.allocateFrom(ValueLayout.JAVA_INT, folder.labels(p.batch()));
            Module module = p.module();
            State state = new State(cpu).reserve(module.variables().values());
            Weights.load(folder.weights(), module, state);
            Optimizer sgd = new Optimizer(new Update.SgdMomentum(Piece.MOMENTUM, 0, false), Decay.ALL, module);
            step = TrainStep.of(module, sgd, new TrainStep.Settings(p.batch(), p.pixels(), Trainer.NORMALIZATION, 0, 1), state);
        }
    }

    @Override
    public void call() {
        if (predictor != null) {
            predictor.logits(DType.F32, images, piece.batch(), piece.pixels(), piece.pixels(), logits);
        } else {
            step.feed(images, labels);
            step.compute(steps++, Piece.LEARNING_RATE);
            loss = step.loss();
            step.commit();
        }
    }

    @Override
    public float[] answer() {
        return predictor != null ? logits.toArray(ValueLayout.JAVA_FLOAT) : new float[] {loss};
    }
}
