package dev.jacquard.bench.peers;

import dev.jacquard.bench.peers.Piece.Work;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * An engine in one of the ways that it is used in.
 *
 * @param name in tables
 * @param command what starts it
 * @param environment added to ours
 * @param works what it does
 */
public record Contender(String name, List<String> command, Map<String, String> environment, Set<Work> works) {
    static final String OURS = "jacquard";

    /**
     * glibc gives large blocks back to the system when they are freed, and gets them page by page when they are needed again: with its defaults an engine that allocates every
     * result spends more time in the kernel than in some convolutions. These three settings make it keep them.
     */
    private static final Map<String, String> TUNED = Map.of("MALLOC_MMAP_THRESHOLD_", "4294967296", "MALLOC_TRIM_THRESHOLD_", "17179869184", "MALLOC_TOP_PAD_", "268435456");

    /** Flags of ours as the launcher has them; the same for the others do no harm. */
    private static final List<String> JVM = List.of("-Xmx2g", "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Djava.awt.headless=true");

    private static final Set<Work> BOTH = Set.of(Work.INFER, Work.TRAIN);

    /**
     * All that there may be, ours first; what matters least comes last, since memory may not do for all. @param python a Python with torch; null for none @param scripts folder of
     * torch_worker.py @param jvm more flags for our JVM
     */
    static List<Contender> all(int threads, String python, Path scripts, List<String> jvm) {
        List<Contender> all = new ArrayList<>();
        all.add(new Contender(OURS, java(jvm, "JacquardEngine", Integer.toString(threads)), Map.of(), BOTH));
        all.add(new Contender("onnxruntime", java(List.of(), "OnnxRuntimeEngine", Integer.toString(threads)), Map.of(), Set.of(Work.INFER)));
        List<String> djl = List.of("-Dai.djl.offline=true", "-Dai.djl.pytorch.num_threads=" + threads, "-Dai.djl.pytorch.num_interop_threads=1",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
        if (python != null) {
            List<String> torch = List.of(python, scripts.resolve("torch_worker.py").toString(), Integer.toString(threads));
            all.add(new Contender("torch-nhwc-tuned", torch, TUNED, BOTH));
        }
        all.add(new Contender("djl-tuned", java(djl, "DjlEngine", "blocks"), TUNED, BOTH));
        all.add(new Contender("djl-torchscript-tuned", java(djl, "DjlEngine", "torchscript"), TUNED, Set.of(Work.INFER)));
        all.add(new Contender("djl", java(djl, "DjlEngine", "blocks"), Map.of(), BOTH));
        return List.copyOf(all);
    }

    /** A process whose allocator keeps what it frees, for questions of its own. */
    public static Contender tuned(String name, List<String> command) {
        return new Contender(name, command, TUNED, Set.of());
    }

    /** What is needed to run in this piece; null if it is there. */
    String missing(Piece piece, Material material) {
        if (!works.contains(piece.work())) {
            return "does not do that";
        }
        return command.contains("torchscript") && Files.notExists(material.torchScript()) ? "no TorchScript file: no Python with torch to write it" : null;
    }

    private static List<String> java(List<String> flags, String engine, String... args) {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(JVM);
        command.addAll(flags);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Contender.class.getPackageName() + "." + engine));
        command.addAll(Arrays.asList(args));
        return List.copyOf(command);
    }
}
