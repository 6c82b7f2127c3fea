package dev.jacquard.data;

import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Prints images per second of the pipeline's parts. Not a test: run its main with the test class path. */
final class PipelineSpeed {
    private PipelineSpeed() {}

    /** Arguments: threads (default 1), or the word transforms. */
    public static void main(String[] args) {
        if (args.length > 0 && args[0].equals("transforms")) {
            try (ImageSource cifar = ImageSource.open(SharedData.find("cifar10-train.tar")); ImageSource photos = ImageSource.open(SharedData.find("photos.tar"))) {
                transforms("CIFAR 32", cifar, 32, 2000);
                transforms("photos 224", photos, 224, 64);
            }
            return;
        }
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

    /** Images per second of one thread's processor time, decoding apart: what else the machine does counts little. */
    private static void transforms(String what, ImageSource source, int size, int images) {
        List<RgbImage> decoded = new ArrayList<>();
        long start = cpu();
        try (ImageDecoder decoder = new ImageDecoder()) {
            for (int i = 0; i < Math.min(images, source.size()); i++) {
                decoded.add(decoder.decode(source.bytes(i), source.name(i)));
            }
        }
        System.out.println(String.format(Locale.ROOT, "%-48s %8.0f images/s", what + ", decode (cold)", decoded.size() / ((cpu() - start) * 1e-9)));
        Transform.Train plain = Transform.Train.imagenet(size);
        Map<String, Transform> all = new LinkedHashMap<>();
        all.put("crop, flip", plain);
        all.put("crop, flip, AutoAugment PyTorch", plain.with(Augmentation.autoAugment(OperationRules.PYTORCH)));
        all.put("crop, flip, bicubic", plain.with(Interpolation.BICUBIC));
        all.put("crop, flip, bicubic, AutoAugment PyTorch", plain.with(Interpolation.BICUBIC).with(Augmentation.autoAugment(OperationRules.PYTORCH)));
        all.put("TensorFlow", Transform.Train.tensorflow(size));
        all.put("TensorFlow, AutoAugment", Transform.Train.tensorflow(size).with(Augmentation.autoAugment(OperationRules.TENSORFLOW)));
        all.put("TensorFlow, RandAugment 2 10", Transform.Train.tensorflow(size).with(Augmentation.randAugment(2, 10)));
        all.forEach((name, transform) -> transformed(what + ", " + name, decoded, transform));
    }

    private static void transformed(String what, List<RgbImage> decoded, Transform transform) {
        MemorySegment out = MemorySegment.ofArray(new byte[transform.size() * transform.size() * 3]);
        try (ImageWorker worker = new ImageWorker(transform, 1 << 20)) {
            double best = 0;
            for (int round = 0; round < 5; round++) {
                long start = cpu();
                int n = 0;
                while (cpu() - start < 1_000_000_000) {
                    worker.transform(decoded.get(n % decoded.size()), 1, round, n, out, 0);
                    n++;
                }
                best = Math.max(best, n / ((cpu() - start) * 1e-9));
            }
            System.out.println(String.format(Locale.ROOT, "%-48s %8.0f images/s", what, best));
        }
    }

    private static long cpu() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
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
