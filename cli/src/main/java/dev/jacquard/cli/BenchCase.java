package dev.jacquard.cli;

import dev.jacquard.models.Models;
import dev.jacquard.train.NetworkStep;
import dev.jacquard.train.NetworkStep.Work;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What {@code jacquard bench} measures at once, on each side.
 *
 * @param work training or inference
 * @param arch as {@code ./jacquard models} names it
 * @param px height and width of the images
 * @param batch images
 * @param precision fp32, tf32, fp16 or bf16; the halves with F32 weights in training, as weights in inference
 * @param modes of PyTorch to set beside it: eager, cudagraph, compile
 */
record BenchCase(Work work, String arch, int px, int batch, String precision, List<String> modes) {
    static final List<String> NETWORKS = List.of("resnet50", "se-resnext101-32x4d", "efficientnet-b0", "efficientnet-b4");
    static final List<String> PRECISIONS = List.of("fp32", "tf32", "fp16", "bf16");
    static final List<String> MODES = List.of("eager", "cudagraph", "compile");
    private static final List<String> PLAIN = List.of("eager", "cudagraph");
    private static final List<String> EAGER = List.of("eager");
    private static final int LARGE = 256;
    /** The batch that each network trains fastest with on a large device, as far as it fits. */
    private static final Map<String, Integer> TRAINING_BATCH = Map.of("resnet50", LARGE, "efficientnet-b0", LARGE);
    private static final int USUAL_TRAINING_BATCH = 128;

    static int px(String arch) {
        return Models.row(arch).resolution();
    }

    /**
     * The published comparison, the most telling cases first, since a budget of time cuts the end off: training of one network of each family at its best batch in each precision,
     * latency of one image, throughput, the larger EfficientNet, then PyTorch's compiler, which is the slowest to prepare, and other batches.
     */
    static List<BenchCase> all() {
        List<BenchCase> all = new ArrayList<>();
        List<String> families = NETWORKS.subList(0, 3);
        List<String> fourth = NETWORKS.subList(3, 4);
        all.addAll(train(families, List.of("tf32", "fp16"), PLAIN));
        all.addAll(train(families, List.of("bf16", "fp32"), EAGER));
        all.addAll(infer(families, List.of("fp16", "tf32"), 1, PLAIN));
        all.addAll(infer(families, List.of("fp16", "tf32"), LARGE, PLAIN));
        all.addAll(train(fourth, List.of("tf32", "fp16"), PLAIN));
        all.addAll(infer(families, List.of("bf16", "fp32"), LARGE, EAGER));
        for (int batch : new int[] {1, LARGE}) {
            all.addAll(infer(fourth, List.of("fp16", "tf32"), batch, PLAIN));
        }
        for (String arch : NETWORKS) {
            all.addAll(train(List.of(arch), List.of("fp16"), List.of("compile")));
            all.addAll(infer(List.of(arch), List.of("fp16"), 1, List.of("compile")));
        }
        all.addAll(train(fourth, List.of("bf16", "fp32"), EAGER));
        all.addAll(infer(NETWORKS, List.of("bf16", "fp32"), 1, EAGER));
        for (int batch : new int[] {32, 128}) {
            all.addAll(infer(NETWORKS, List.of("fp16", "tf32"), batch, PLAIN));
        }
        for (int batch : new int[] {1, 32, 128}) {
            NETWORKS.forEach(arch -> all.add(new BenchCase(Work.TRAIN, arch, px(arch), batch, "fp16", EAGER)));
        }
        return all.stream().distinct().toList();
    }

    private static List<BenchCase> train(List<String> networks, List<String> precisions, List<String> modes) {
        return precisions.stream().flatMap(p -> networks.stream().map(arch ->
                new BenchCase(Work.TRAIN, arch, px(arch), TRAINING_BATCH.getOrDefault(arch, USUAL_TRAINING_BATCH), p, modes))).toList();
    }

    private static List<BenchCase> infer(List<String> networks, List<String> precisions, int batch, List<String> modes) {
        return precisions.stream().flatMap(p -> networks.stream().map(arch -> new BenchCase(Work.INFER, arch, px(arch), batch, p, modes))).toList();
    }

    /** What is measured of ours. */
    NetworkStep step() {
        return NetworkStep.of(work, arch, batch, px, Amp.HALVES.contains(precision) ? Amp.of("--precisions", precision) : null);
    }

    /** With images of another size, or another batch; 0 for as it is. */
    BenchCase sized(int otherPx, int otherBatch) {
        return new BenchCase(work, arch, otherPx == 0 ? px : otherPx, otherBatch == 0 ? batch : otherBatch, precision, modes);
    }

    /** With those of its modes that are among others. */
    BenchCase beside(List<String> others) {
        return new BenchCase(work, arch, px, batch, precision, modes.stream().filter(others::contains).toList());
    }

    /** {@code train}, {@code infer}. */
    String verb() {
        return work.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public String toString() {
        return verb() + " " + arch + " " + px + " px batch " + batch + " " + precision;
    }
}
