package dev.jacquard.data;

import dev.jacquard.tensor.CallerException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Draws, batch by batch, who is mixed with whom and by how much, into native memory that is used again: valid until the next {@link #draw}. What is drawn is a pure function of
 * (mixing, batch size, image size, seed, position), whatever was drawn before, so that a run that is resumed mixes as one that was not interrupted. Drawing allocates nothing. Not
 * thread-safe.
 *
 * <p>Image i of a batch becomes image {@code partners[i]} within {@code boxes[i]}, and {@code weights[i]} of itself and {@code 1 - weights[i]} of its partner elsewhere; its target
 * is {@code labelWeights[i]} of its own label and the rest of {@code partnerLabels[i]}. For mixup boxes are empty and both weights are one number. For cutmix a box's centre is
 * uniform, its sides are {@code sqrt(1 - Beta(alpha, alpha))} of the image's and cut off at the borders; the weight outside is 1, and the label's weight is the part of this image
 * that is left. (NVIDIA's TensorFlow program gives all images of a batch the mean of their weights; that is not reproduced.) Where both are asked for, mixup takes the first half
 * of the batch and cutmix the second, each as a batch of its own.
 */
public final class Mixer implements AutoCloseable {
    private final Mixing mixing;
    private final int batch;
    private final int height;
    private final int width;
    private final long seed;
    private final SampleRandom random = new SampleRandom();
    private final int[] box = new int[4];
    private final Arena arena = Arena.ofShared();
    private final MemorySegment partners;
    private final MemorySegment weights;
    private final MemorySegment boxes;
    private final MemorySegment partnerLabels;
    private final MemorySegment labelWeights;

    /**
     * For batches of N images of H x W.
     *
     * @param mixing what to do
     * @param batch N
     * @param height H
     * @param width W
     * @param seed of the draws
     * @throws CallerException if there is nothing to mix, or a size is below 1
     */
    public Mixer(Mixing mixing, int batch, int height, int width, long seed) {
        if (!mixing.enabled() || batch < 1 || height < 1 || width < 1) {
            throw new CallerException("mixer", "nothing to mix", mixing + " of " + batch + " images of " + height + " x " + width, "mixup or cutmix above 0, and images",
                    "leave the mixer out where Mixing.enabled() is false");
        }
        this.mixing = mixing;
        this.batch = batch;
        this.height = height;
        this.width = width;
        this.seed = seed;
        partners = ints(1);
        weights = ints(1);
        boxes = ints(4);
        partnerLabels = ints(1);
        labelWeights = ints(1);
    }

    private MemorySegment ints(int each) {
        return arena.allocate(4L * each * batch, 64);
    }

    /**
     * Draws for the batch at a position of the loader's sequence.
     *
     * @param at the batch; with gradient accumulation every micro-batch has its own
     * @param labels I32 (N), from which partners' labels are taken
     */
    public void draw(Position at, MemorySegment labels) {
        random.at(seed, at.epoch(), at.batch(), SampleRandom.MIX);
        int mixed = mixing.mixed(batch);
        choosePartners(0, mixed);
        mixup(0, mixed);
        choosePartners(mixed, batch);
        cutmix(mixed, batch);
        for (int i = 0; i < batch; i++) {
            partnerLabels.setAtIndex(ValueLayout.JAVA_INT, i, labels.getAtIndex(ValueLayout.JAVA_INT, partner(i)));
        }
    }

    private void choosePartners(int from, int to) {
        for (int i = from; i < to; i++) {
            partners.setAtIndex(ValueLayout.JAVA_INT, i, mixing.form() == Mixing.Form.TENSORFLOW ? from + to - 1 - i : i);
        }
        if (mixing.form() == Mixing.Form.PYTORCH) {
            for (int i = to - 1; i > from; i--) { // Fisher and Yates
                int j = from + random.nextInt(i - from + 1);
                int swap = partner(i);
                partners.setAtIndex(ValueLayout.JAVA_INT, i, partner(j));
                partners.setAtIndex(ValueLayout.JAVA_INT, j, swap);
            }
        }
    }

    private int partner(int i) {
        return partners.getAtIndex(ValueLayout.JAVA_INT, i);
    }

    private void mixup(int from, int to) {
        double weight = 0;
        for (int i = from; i < to; i++) {
            if (mixing.form() == Mixing.Form.TENSORFLOW) {
                double w = Beta.draw(random, mixing.mixup());
                weight = Math.max(w, 1 - w);
            } else if (i == from) {
                weight = Beta.draw(random, mixing.mixup());
            }
            set(i, (float) weight, (float) weight, 0, 0, 0, 0);
        }
    }

    private void cutmix(int from, int to) {
        for (int i = from; i < to; i++) {
            int y = random.nextInt(height);
            int x = random.nextInt(width);
            cut(height, width, y, x, Beta.draw(random, mixing.cutmix()), box);
            set(i, 1, kept(height, width, box), box[0], box[1], box[2], box[3]);
        }
    }

    /** The box (y0, x0, y1, x1) around a centre, of {@code sqrt(1 - beta)} of either side, half to each direction in whole pixels, within the image. */
    static void cut(int height, int width, int y, int x, double beta, int[] box) {
        float ratio = (float) Math.sqrt(1 - beta); // as single as TensorFlow's, so that the same draws cut the same box
        int dy = (int) (ratio * height) / 2;
        int dx = (int) (ratio * width) / 2;
        box[0] = Math.max(y - dy, 0);
        box[1] = Math.max(x - dx, 0);
        box[2] = Math.min(y + dy, height);
        box[3] = Math.min(x + dx, width);
    }

    /** The part of an image that a box leaves. */
    static float kept(int height, int width, int[] box) {
        return (float) (1 - (double) (box[2] - box[0]) * (box[3] - box[1]) / ((double) height * width));
    }

    private void set(int i, float weight, float labelWeight, int y0, int x0, int y1, int x1) {
        weights.setAtIndex(ValueLayout.JAVA_FLOAT, i, weight);
        labelWeights.setAtIndex(ValueLayout.JAVA_FLOAT, i, labelWeight);
        boxes.setAtIndex(ValueLayout.JAVA_INT, 4L * i, y0);
        boxes.setAtIndex(ValueLayout.JAVA_INT, 4L * i + 1, x0);
        boxes.setAtIndex(ValueLayout.JAVA_INT, 4L * i + 2, y1);
        boxes.setAtIndex(ValueLayout.JAVA_INT, 4L * i + 3, x1);
    }

    /** What was asked for. */
    public Mixing mixing() {
        return mixing;
    }

    /** I32 (N): each image's partner, in [0, N). */
    public MemorySegment partners() {
        return partners;
    }

    /** F32 (N): each image's own weight outside of its box. */
    public MemorySegment weights() {
        return weights;
    }

    /** I32 (N, 4): rows y0 to y1 - 1 and columns x0 to x1 - 1 that are the partner's alone, as (y0, x0, y1, x1); all 0 for mixup. */
    public MemorySegment boxes() {
        return boxes;
    }

    /** I32 (N): the partners' labels. */
    public MemorySegment partnerLabels() {
        return partnerLabels;
    }

    /** F32 (N): weights of the images' own labels. */
    public MemorySegment labelWeights() {
        return labelWeights;
    }

    /** Frees the memory. */
    @Override
    public void close() {
        arena.close();
    }
}
