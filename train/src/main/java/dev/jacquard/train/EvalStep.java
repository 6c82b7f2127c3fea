package dev.jacquard.train;

import dev.jacquard.data.Batch;
import dev.jacquard.data.Loader;
import dev.jacquard.data.Normalization;
import dev.jacquard.layers.Module;
import dev.jacquard.passes.FuseNormalization;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.BooleanSupplier;

/** Evaluation as one plan for batches of a fixed size; of a partial batch the rest is computed and not counted. Not thread-safe. */
public final class EvalStep implements AutoCloseable {
    private final Plan plan;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment logits;
    private final int classes;
    private double loss;
    private long top1;
    private long top5;
    private long images;

    private EvalStep(Plan plan) {
        this.plan = plan;
        TensorType type = plan.outputType("logits");
        this.logits = arena.allocate(type.bytes(), 64);
        this.classes = Math.toIntExact(type.shape().dim(1));
    }

    /** Plans evaluation; the module's variables must be in the state. */
    public static EvalStep of(Module module, int batch, int imageSize, Normalization normalization, State state) {
        GraphBuilder b = new GraphBuilder(false);
        Tensor pixels = b.input("images", TensorType.of(DType.U8, batch, imageSize, imageSize, 3));
        b.output("logits", module.apply(Pixels.normalize(pixels, normalization)));
        return new EvalStep(Plan.of(new FuseNormalization(state.backend()).apply(b.build()), state));
    }

    /** Evaluates one epoch of a loader. @param cancelled asked before each batch @return null if cancelled */
    public Evaluation run(Loader loader, BooleanSupplier cancelled) {
        loss = 0;
        top1 = 0;
        top5 = 0;
        images = 0;
        for (Batch batch; (batch = loader.next()) != null;) {
            if (cancelled.getAsBoolean()) {
                return null;
            }
            plan.feed("images", batch.images());
            plan.run();
            plan.fetch("logits", logits);
            for (int i = 0; i < batch.count(); i++) {
                count(i, batch.label(i));
            }
        }
        return new Evaluation(loss / images, 100.0 * top1 / images, 100.0 * top5 / images, images);
    }

    /** Counts one picture: its rank is the number of classes that are not below its own, so that ties and NaN never count as right. */
    private void count(int row, int label) {
        long at = (long) row * classes;
        float own = logits.getAtIndex(ValueLayout.JAVA_FLOAT, at + label);
        float max = Float.NEGATIVE_INFINITY;
        int rank = 0;
        for (int c = 0; c < classes; c++) {
            float v = logits.getAtIndex(ValueLayout.JAVA_FLOAT, at + c);
            max = Math.max(max, v);
            if (c != label && !(v < own)) {
                rank++;
            }
        }
        double sum = 0;
        for (int c = 0; c < classes; c++) {
            sum += Math.exp(logits.getAtIndex(ValueLayout.JAVA_FLOAT, at + c) - (double) max);
        }
        loss += max + Math.log(sum) - own;
        top1 += rank < 1 ? 1 : 0;
        top5 += rank < 5 ? 1 : 0;
        images++;
    }

    /** Frees the plan; the state stays. */
    @Override
    public void close() {
        plan.close();
        arena.close();
    }
}
