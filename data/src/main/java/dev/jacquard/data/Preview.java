package dev.jacquard.data;

import dev.jacquard.data.Resampler.Box;
import dev.jacquard.data.Resampler.Job;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * What a network sees of a data set in training, a picture at a time, and how it came about: for people who want to look. Pixels are made by what makes batches, so that a picture
 * is that of {@link Loader} for the same source, transform, seed, epoch and sample.
 *
 * <p>Not thread-safe. {@link #close} frees the decoder; the source stays open.
 */
public final class Preview implements AutoCloseable {
    private final ImageSource source;
    private final Transform.Train transform;
    private final long seed;
    private final ImageDecoder decoder = new ImageDecoder();
    private final ImageWorker worker;
    private final Canvas canvas = new Canvas();
    private final SampleRandom random = new SampleRandom();

    /**
     * A picture before anything is done to it.
     *
     * @param picture the whole, reduced or enlarged to fit
     * @param width   columns of the image as it is stored
     * @param height  rows of the image as it is stored
     */
    public record Original(RgbImage picture, int width, int height) {}

    /**
     * A picture as the network sees it.
     *
     * @param picture  8-bit RGB
     * @param x        first column of the part of the original that it shows
     * @param y        first row of that part
     * @param width    columns of that part
     * @param height   rows of that part
     * @param mirrored whether left and right changed places
     * @param policy   number of AutoAugment's sub-policy, from 0; -1 for another augmentation
     * @param applied  operations that were carried out, in order; a step that chance left out is not among them
     */
    public record Draw(RgbImage picture, int x, int y, int width, int height, boolean mirrored, int policy, List<Applied> applied) {}

    /**
     * An operation that was carried out.
     *
     * @param operation what
     * @param level     how strongly; negative for the other direction
     */
    public record Applied(Operation operation, double level) {}

    /**
     * Opens a preview.
     *
     * @param source    the data set
     * @param transform what happens to its pictures
     * @param seed      of the random numbers, as a run's
     * @throws CallerException if there are no images behind the source, {@link ImageSource#synthetic}
     */
    public Preview(ImageSource source, Transform.Train transform, long seed) {
        if (source.synthetic()) {
            throw new CallerException("preview", "nothing to look at", "synthetic batches", "a source of images", "name a folder, a tar or a list");
        }
        this.source = source;
        this.transform = transform;
        this.seed = seed;
        this.worker = new ImageWorker(transform, ImageDecoder.DEFAULT_MAX_PIXELS);
    }

    /**
     * A whole picture, its shape kept, resized so that its longer side is {@code side}.
     *
     * @throws DataException if it cannot be read
     */
    public Original original(int sample, int side) {
        RgbImage image = decoder.decode(source.bytes(sample), source.name(sample));
        int longer = Math.max(image.width(), image.height());
        int width = Math.max(1, (int) Math.round((double) image.width() * side / longer));
        int height = Math.max(1, (int) Math.round((double) image.height() * side / longer));
        byte[] pixels = new byte[width * height * 3];
        Job job = new Job(new Box(0, 0, image.width(), image.height()), width, height, new Box(0, 0, width, height), false, Interpolation.BILINEAR, false);
        new Resampler().resize(image, job, MemorySegment.ofArray(pixels), 0);
        return new Original(new RgbImage(width, height, pixels), image.width(), image.height());
    }

    /**
     * A picture as it is learnt from in an epoch.
     *
     * @param sample number in the source
     * @param epoch  from 0
     * @throws DataException if it cannot be read
     */
    public Draw draw(int sample, long epoch) {
        byte[] file = source.bytes(sample);
        String name = source.name(sample);
        int size = transform.size();
        byte[] pixels = new byte[size * size * 3];
        worker.process(file, file.length, name, false, seed, epoch, sample, MemorySegment.ofArray(pixels), 0);
        // The same random numbers again tell how: what is drawn depends on sizes, not on pixels.
        ImageHeader header = decoder.header(file, file.length, name);
        Job job = transform.job(header.width(), header.height(), random.at(seed, epoch, sample, SampleRandom.AUGMENT));
        Recorder recorder = new Recorder();
        canvas.reset(size, size);
        Augmenter.apply(transform.augmentation(), canvas, random, recorder);
        Box part = job.crop();
        return new Draw(new RgbImage(size, size, pixels), whole(part.x()), whole(part.y()), whole(part.width()), whole(part.height()), job.flip(), recorder.policy,
                List.copyOf(recorder.applied));
    }

    private static int whole(double pixels) {
        return (int) Math.rint(pixels);
    }

    /** Remembers what was done to a picture. */
    private static final class Recorder implements Augmenter.Trace {
        private final List<Applied> applied = new ArrayList<>();
        private int policy = -1;

        @Override
        public void chose(int subPolicy) {
            policy = subPolicy;
        }

        @Override
        public void applied(Operation operation, double level) {
            applied.add(new Applied(operation, level));
        }
    }

    @Override
    public void close() {
        worker.close();
        decoder.close();
    }
}
