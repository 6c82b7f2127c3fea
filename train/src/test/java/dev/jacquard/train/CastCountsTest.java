package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.layers.Decay;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.mixedprecision.Autocast;
import dev.jacquard.mixedprecision.CastPolicy;
import dev.jacquard.mixedprecision.CastReport;
import dev.jacquard.mixedprecision.LossScale;
import dev.jacquard.mixedprecision.MixedPrecision;
import dev.jacquard.models.Models;
import dev.jacquard.passes.Pass;
import dev.jacquard.passes.StripCasts;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Update;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/**
 * The casts of a training step in F16 with dynamic loss scaling, beside those of policies that cast at every op; {@code -Dupdate} writes the file. Nodes are counted before a
 * backend fuses or expands any. Naively, an op in half precision casts each of its operands, and its result goes back to F32; the gradients do the same, as the gradient of a cast
 * is a cast.
 */
class CastCountsTest {
    private static final Path FILE = Path.of("src/test/resources/dev/jacquard/train/cast-counts.txt");

    private record Naive(Predicate<Op> casts) implements Pass {
        /** All values are in F32 but within the ops that cast. Data movement would move halves and F32 alike, and does without. */
        @Override
        public Graph apply(Graph graph) {
            return new Autocast(DType.F16, List.of()).apply(graph).rewrite(this::rewrite);
        }

        private List<Tensor> rewrite(Node n, List<Tensor> in) {
            if (CastPolicy.of(n.op()) == CastPolicy.WRITTEN) {
                return n.op() instanceof Movement.Cast ? in : null;
            }
            if (n.op() instanceof Movement || n.inputs().isEmpty() || !casts.test(n.op())) {
                return null;
            }
            List<Tensor> own = new ArrayList<>();
            for (int i = 0; i < in.size(); i++) {
                own.add(n.inputs().get(i).dtype().isHalf() ? in.get(i).cast(DType.F16) : in.get(i));
            }
            return own.getFirst().context().apply(n.op(), own).stream().map(t -> t.dtype().isHalf() ? t.cast(DType.F32) : t).toList();
        }
    }

    private static Graph step(String arch, MixedPrecision precision, Pass forward) {
        Module module = Models.create(arch, 1000);
        Optimizer optimizer = new Optimizer(new Update.SgdMomentum(0.9, 1e-4, false), Decay.ALL, module);
        TrainStep.Settings settings = new TrainStep.Settings(2, 64, Trainer.NORMALIZATION, 0.1, 1).precision(precision);
        return TrainStep.graph(module, optimizer, settings, forward);
    }

    private static int casts(Graph g) {
        return CastReport.of(g).casts().size();
    }

    private static String row(String arch) {
        Graph g = new StripCasts().apply(step(arch, new MixedPrecision(DType.F16, List.of(), LossScale.pytorch()), f -> f));
        int ours = casts(g);
        int every = casts(step(arch, null, new Naive(_ -> true)));
        int matrix = casts(step(arch, null, new Naive(op -> CastPolicy.of(op) == CastPolicy.HALF)));
        double fewer = 100 - 100.0 * ours / matrix;
        assertTrue(fewer >= 60, arch + ": " + ours + " of " + matrix + "\n" + CastReport.of(g));
        return String.format(Locale.ROOT, "%-20s %8d %16d %15d %14.1f %6.1f", arch, ours, matrix, every, fewer, 100 - 100.0 * ours / every);
    }

    @Test
    void atMostTwoInFiveOfANaivePolicy() throws IOException {
        List<String> lines = new ArrayList<>();
        lines.add("network              autocast  naive, products  naive, all ops  fewer by %");
        for (String arch : List.of("resnet50", "se-resnext101-32x4d", "efficientnet-b0")) {
            lines.add(row(arch));
        }
        if (System.getProperty("update") != null) {
            Files.write(FILE, lines);
        }
        assertEquals(Files.readAllLines(FILE), lines, "run this test with -Dupdate if this is as it should be");
    }
}
