package dev.jacquard.bench.peers;

import dev.jacquard.layers.Module;
import dev.jacquard.models.ModelOptions;
import dev.jacquard.models.Models;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.MatMul;
import java.util.Locale;

/**
 * What engines are compared in.
 *
 * @param work prediction or training step
 * @param network a name that {@link Models} knows
 * @param batch images of a call
 * @param pixels their height and width
 */
public record Piece(Work work, String network, int batch, int pixels) {
    /** Learning rate of all training steps: small, since the same batch is learnt for as long as the measurement takes. */
    public static final float LEARNING_RATE = 1e-3f;

    /** Momentum of all training steps, PyTorch's sense; there is no weight decay. */
    public static final float MOMENTUM = 0.9f;

    /** What is done. */
    public enum Work {
        /** From images in host memory to logits in host memory. */
        INFER,
        /** From images and labels in host memory: forward, cross entropy, backward, SGD with momentum; the loss is read. */
        TRAIN;

        /** In questions, file names and tables. */
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Options of the network in all engines: nothing in it is random. */
    public ModelOptions options() {
        return Models.row(network).defaults().dropout(0).survival(1).zeroLastNorm(false);
    }

    /** The network as we have it. */
    public Module module() {
        return Models.create(network, options());
    }

    /**
     * Floating-point operations of a call, two a multiply-add: products and convolutions of the forward pass, padding included; three times as many for a training step, as is
     * usual, which counts a gradient of the images that nobody computes.
     */
    public double flops() {
        GraphBuilder b = new GraphBuilder(false);
        b.output("logits", module().apply(b.input("images", TensorType.f32(batch, pixels, pixels, options().channels()))));
        double forward = b.build().expand(_ -> true).nodes().stream().filter(n -> n.op() instanceof Convolution || n.op() instanceof MatMul)
                .mapToDouble(n -> Graph.cost(n).flops()).sum();
        return work == Work.TRAIN ? 3 * forward : forward;
    }

    /** As in questions: {@code train resnet50 16 224}. */
    String question() {
        return work.label() + " " + network + " " + batch + " " + pixels;
    }

    /** Reads {@link #question}. */
    static Piece of(String work, String network, String batch, String pixels) {
        return new Piece(Work.valueOf(work.toUpperCase(Locale.ROOT)), network, Integer.parseInt(batch), Integer.parseInt(pixels));
    }

    @Override
    public String toString() {
        return "%s, %s, batch %d of %d x %d".formatted(network, work == Work.TRAIN ? "training step" : "inference", batch, pixels, pixels);
    }
}
