package dev.jacquard.data;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.IntConsumer;

/**
 * Prints microseconds per picture of what comes after decoding: random resized crops of the photos at 224, by each interpolation, and each operation with each system's
 * formulas. Not a test: run its main with the test class path. Arguments: names of what to measure, by default all.
 */
final class PixelSpeed {
    private static final int SIZE = 224;
    private static final int PICTURES = 24;
    private static final double TURN = 0.1; // seconds
    private static final double WARM_UP = Double.parseDouble(System.getProperty("warm", "0.6"));

    private final List<String> only;
    private final List<RgbImage> photos = new ArrayList<>();
    private final Canvas canvas = new Canvas();

    private PixelSpeed(List<String> only) {
        this.only = only;
    }

    /** Arguments: texts that the names of what is measured contain. */
    public static void main(String[] args) {
        PixelSpeed speed = new PixelSpeed(List.of(args));
        try (ImageSource source = ImageSource.open(SharedData.find("photos.tar")); ImageDecoder decoder = new ImageDecoder()) {
            for (int i = 0; i < PICTURES; i++) {
                speed.photos.add(decoder.decode(source.bytes(i * 5), source.name(i * 5)));
            }
        }
        speed.resizes();
        speed.operations("Pillow", OperationRules.PYTORCH);
        speed.operations("TensorFlow", OperationRules.TENSORFLOW);
    }

    private void resizes() {
        Resampler resampler = new Resampler();
        MemorySegment out = MemorySegment.ofArray(new byte[SIZE * SIZE * 3]);
        SampleRandom random = new SampleRandom();
        for (Interpolation interpolation : Interpolation.values()) {
            Transform.Train train = Transform.Train.imagenet(SIZE).with(interpolation);
            measure("resize " + interpolation, i -> {
                RgbImage photo = photos.get(i % PICTURES);
                resampler.resize(photo, train.job(photo.width(), photo.height(), random.at(1, 2, i, SampleRandom.AUGMENT)), out, 0);
            });
        }
        Transform.Eval eval = Transform.Eval.of(SIZE);
        measure("resize and centre crop", i -> {
            RgbImage photo = photos.get(i % PICTURES);
            resampler.resize(photo, eval.job(photo.width(), photo.height()), out, 0);
        });
    }

    private void operations(String name, OperationRules rules) {
        Resampler resampler = new Resampler();
        byte[][] squares = new byte[PICTURES][SIZE * SIZE * 3];
        for (int i = 0; i < PICTURES; i++) {
            RgbImage photo = photos.get(i);
            resampler.resize(photo, Transform.Eval.of(SIZE).job(photo.width(), photo.height()), MemorySegment.ofArray(squares[i]), 0);
        }
        canvas.reset(SIZE, SIZE);
        measure(name + " (copy alone)", i -> paint(squares[i % PICTURES]));
        SampleRandom random = new SampleRandom();
        for (Operation operation : Operation.values()) {
            measure(name + " " + operation, i -> {
                paint(squares[i % PICTURES]);
                int level = i / PICTURES % 11;
                operation.apply(canvas, operation.hasDirection() && i % 2 == 0 ? -level : level, rules, random);
            });
        }
        Augmentation auto = Augmentation.autoAugment(rules);
        measure(name + " AutoAugment", i -> {
            paint(squares[i % PICTURES]);
            Augmenter.apply(auto, canvas, random.at(1, 2, i, SampleRandom.AUGMENT));
        });
        Augmentation rand = new Augmentation.RandAugment(2, 9, rules);
        measure(name + " RandAugment 2 9", i -> {
            paint(squares[i % PICTURES]);
            Augmenter.apply(rand, canvas, random.at(1, 2, i, SampleRandom.AUGMENT));
        });
    }

    private void paint(byte[] square) {
        System.arraycopy(square, 0, canvas.pixels(), 0, square.length);
    }

    private void measure(String name, IntConsumer work) {
        if (!only.isEmpty() && only.stream().noneMatch((name + " ")::contains)) {
            return;
        }
        double[] turns = new double[6];
        int i = 0;
        for (int t = 0; t < turns.length; t++) {
            long start = System.nanoTime();
            int from = i;
            do {
                work.accept(i++);
            } while (i % PICTURES != 0 || System.nanoTime() - start < (t == 0 ? WARM_UP : TURN) * 1e9);
            turns[t] = (System.nanoTime() - start) * 1e-3 / (i - from);
        }
        Arrays.sort(turns);
        System.out.println(String.format(Locale.ROOT, "%-36s %8.1f us", name, turns[1]));
    }
}
