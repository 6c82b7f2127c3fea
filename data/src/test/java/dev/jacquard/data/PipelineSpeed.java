package dev.jacquard.data;

import java.nio.file.Path;
import java.util.Locale;

/** Prints images per second of the pipeline's parts. Not a test: run its main with the test class path. */
final class PipelineSpeed {
    private PipelineSpeed() {}

    /** Arguments: threads (default 1). */
    public static void main(String[] args) {
        int threads = args.length > 0 ? Integer.parseInt(args[0]) : 1;
        long start = System.nanoTime();
        try (GeneratedImages images = new GeneratedImages(1, GeneratedImages.Split.TRAIN, 5000)) {
            for (int i = 0; i < images.size(); i++) {
                images.bytes(i);
            }
            print("generate, 1 thread", images.size(), start);
            epochs("generated, train 32", images, Transform.Train.of(32, 0.5), threads, 0);
        }
        Path cifar = SharedData.find("cifar10-train.tar");
        if (cifar == null) {
            System.out.println("no ../shared/data: done");
            return;
        }
        start = System.nanoTime();
        try (ImageSource source = ImageSource.open(cifar)) {
            print("index of the CIFAR tar", source.size(), start);
            epochs("CIFAR, train 32", source, Transform.Train.of(32, 0.5), threads, 0);
            epochs("CIFAR, train 32, cache", source, Transform.Train.of(32, 0.5), threads, 512L << 20);
        }
        try (ImageSource source = ImageSource.open(SharedData.find("photos.tar"))) {
            epochs("photos, train 224", source, Transform.Train.imagenet(224), threads, 0);
        }
    }

    private static void epochs(String what, ImageSource source, Transform.Train transform, int threads, long cache) {
        try (Loader loader = Loader.train(source, transform).batch(64).threads(threads).cacheDecoded(cache).open()) {
            for (int epoch = 0; epoch < 4; epoch++) {
                long start = System.nanoTime();
                int n = 0;
                while (n < 50_000) {
                    Batch b = loader.next();
                    if (b == null) {
                        break;
                    }
                    n += b.count();
                }
                print(what + ", " + threads + " threads, epoch " + epoch, n, start);
            }
        }
    }

    private static void print(String what, int images, long start) {
        double seconds = (System.nanoTime() - start) * 1e-9;
        System.out.println(String.format(Locale.ROOT, "%-48s %8.0f images/s (%d in %.2f s)", what, images / seconds, images, seconds));
    }
}
