package dev.jacquard.data;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Prints images per second of one thread's processor time that the decoders reach on photos.tar: whole images, the parts that random crops need, and those of
 * sound images. Not a test: run its main with the test class path; the argument is the seconds of each measurement.
 */
final class DecodeSpeed {
    private DecodeSpeed() {}

    /** Measures all decoders that are here. */
    public static void main(String[] args) {
        long nanos = (long) (1e9 * (args.length > 0 ? Double.parseDouble(args[0]) : 1));
        List<byte[]> files = new ArrayList<>();
        try (ImageSource source = ImageSource.open(Path.of(System.getProperty("photos", String.valueOf(SharedData.find("photos.tar")))))) {
            for (int i = 0; i < source.size(); i++) {
                files.add(source.bytes(i));
            }
        }
        JpegWays.all().forEach(name -> {
            try (ImageDecoder decoder = JpegWays.decoder(name)) {
                for (Way way : Way.values()) {
                    double best = 0;
                    for (int round = 0; round < 4; round++) {
                        best = Math.max(best, rate(decoder, files, way, nanos / 4));
                    }
                    System.out.println(String.format(Locale.ROOT, "%-14s %-14s %7.0f images/s", name, way, best));
                }
            }
        });
    }

    private enum Way { WHOLE, CROP, CROP_SOUND, CROP_REDUCED, EVAL }

    private static double rate(ImageDecoder decoder, List<byte[]> files, Way way, long nanos) {
        ThreadMXBean clock = ManagementFactory.getThreadMXBean();
        Picture picture = new Picture();
        SampleRandom random = new SampleRandom();
        long start = clock.getCurrentThreadCpuTime();
        int n = 0;
        do {
            for (byte[] file : files) {
                ImageHeader h = decoder.header(file, file.length, "x");
                Transform transform = way == Way.EVAL ? Transform.Eval.of(224) : Transform.Train.imagenet(way == Way.CROP_REDUCED ? 64 : 224);
                Resampler.Job job = transform instanceof Transform.Train t ? t.job(h.width(), h.height(), random.at(1, 2, n, SampleRandom.AUGMENT))
                        : ((Transform.Eval) transform).job(h.width(), h.height());
                Wanted wanted = way == Way.WHOLE ? Wanted.whole(h.width(), h.height())
                        : Wanted.of(job, h.width(), h.height(), way == Way.CROP_REDUCED ? Decoding.REDUCED : Decoding.EXACT);
                decoder.decode(file, file.length, "x", h, wanted, way == Way.CROP_SOUND, picture);
                n++;
            }
        } while (clock.getCurrentThreadCpuTime() - start < nanos);
        return n / ((clock.getCurrentThreadCpuTime() - start) * 1e-9);
    }
}
