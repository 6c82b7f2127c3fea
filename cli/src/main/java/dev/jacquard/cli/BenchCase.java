package dev.jacquard.cli;

import dev.jacquard.models.Models;
import dev.jacquard.train.NetworkRun.Work;
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
    private static final int LARGE = 256;
    /** The batch that each network trains fastest with on a large device, as far as it fits. */
    private static final Map<String, Integer> TRAINING_BATCH = Map.of("resnet50", LARGE, "efficientnet-b0", LARGE);
    private static final int USUAL_TRAINING_BATCH = 128;

    static int px(String arch) {
        return Models.row(arch).resolution();
    }

    /**
     * The published comparison, the most telling cases first, since a budget of time cuts the end off: training at the best batch in each precision, latency of one image, throughput, then the slowest to
     * prepare, PyTorch's compiler.
     */
    static List<BenchCase> all() {
        List<BenchCase> all = new ArrayList<>();
        List<String> plain = List.of("eager", "cudagraph");
        for (String precision : List.of("tf32", "fp16")) {
            for (String arch : NETWORKS) {
                all.add(new BenchCase(Work.TRAIN, arch, px(arch), TRAINING_BATCH.getOrDefault(arch, USUAL_TRAINING_BATCH), precision, plain));
            }
        }
        for (int batch : new int[] {1, LARGE, 32, 128}) {
            for (String precision : List.of("fp16", "tf32")) {
                for (String arch : NETWORKS) {
                    all.add(new BenchCase(Work.INFER, arch, px(arch), batch, precision, plain));
                }
            }
        }
        for (String arch : NETWORKS) {
            all.add(new BenchCase(Work.TRAIN, arch, px(arch), TRAINING_BATCH.getOrDefault(arch, USUAL_TRAINING_BATCH), "fp16", List.of("compile")));
            all.add(new BenchCase(Work.INFER, arch, px(arch), 1, "fp16", List.of("compile")));
        }
        for (String precision : List.of("bf16", "fp32")) {
            for (String arch : NETWORKS) {
                all.add(new BenchCase(Work.TRAIN, arch, px(arch), TRAINING_BATCH.getOrDefault(arch, USUAL_TRAINING_BATCH), precision, List.of("eager")));
                all.add(new BenchCase(Work.INFER, arch, px(arch), 1, precision, List.of("eager")));
            }
        }
        for (int batch : new int[] {1, 32, 128}) {
            for (String arch : NETWORKS) {
                all.add(new BenchCase(Work.TRAIN, arch, px(arch), batch, "fp16", List.of("eager")));
            }
        }
        return List.copyOf(all);
    }

    /** With images of another size, or another batch; 0 for as it is. */
    BenchCase sized(int otherPx, int otherBatch) {
        return new BenchCase(work, arch, otherPx == 0 ? px : otherPx, otherBatch == 0 ? batch : otherBatch, precision, modes);
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
