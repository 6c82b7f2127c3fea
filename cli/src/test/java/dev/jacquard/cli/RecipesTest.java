package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonParser;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.train.Experiment;
import dev.jacquard.train.Footprint;
import dev.jacquard.train.Recipes;
import dev.jacquard.train.ResolvedConfig;
import dev.jacquard.train.TrainConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What {@code --dry-run} says of every recipe is the file of its name; {@code -Dupdate} writes them. What they say is right is RecipeTableTest's to show. */
class RecipesTest {
    private static final Path FILES = Path.of("src/test/resources/dev/jacquard/cli/recipes");

    private record Result(int code, String out, String err) {}

    private static Result run(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.run(args, new PrintWriter(out), new PrintWriter(err));
        return new Result(code, out.toString(), err.toString());
    }

    private static Path file(String recipe) {
        return FILES.resolve(recipe + ".txt");
    }

    private static String dryRun(String recipe) {
        ResolvedConfig c = ResolvedConfig.of(recipe, null, Map.of());
        return new DryRun(c, DryRun.Images.expected(c.config())).text(List.of());
    }

    @TestFactory
    Stream<DynamicTest> theDryRunOfARecipeIsTheOneThatIsCommitted() {
        return Recipes.names().stream().map(name -> DynamicTest.dynamicTest(name, () -> {
            String text = dryRun(name);
            if (System.getProperty("update") != null) {
                Files.createDirectories(file(name).getParent());
                Files.writeString(file(name), text);
            }
            assertEquals(Files.exists(file(name)) ? Files.readString(file(name)) : "", text, file(name) + ": run this test with -Dupdate, and look at what has changed");
        }));
    }

    @Test
    void noFileIsLeftOfARecipeThatIsGone() throws IOException {
        TreeSet<String> files = new TreeSet<>();
        try (Stream<Path> all = Files.walk(FILES)) {
            all.filter(f -> f.toString().endsWith(".txt")).forEach(f -> files.add(FILES.relativize(f).toString().replace('\\', '/').replaceFirst("\\.txt$", "")));
        }
        assertEquals(new TreeSet<>(Recipes.names()), files);
    }

    @Test
    void theCommandLineDryRunsWithoutDataAndAddsWhatAStepTakes() {
        String recipe = "pytorch/efficientnet-b0/a100-tf32";
        Result r = run("train", "--recipe", recipe, "--dry-run", "--lr-at", "0,16,399", "--batch", "8", "--wd", "2e-5", "--out", "never-made");
        assertEquals(0, r.code, r.err);
        for (String part : List.of("from flags\n  batch         batch 8\n  optimization  weight-decay 2e-5\n", "5,288,548 parameters", "0.3858 GMACs",
                "64 steps: 4,096 images per update",
                "at the beginning of epoch 0: 0.005, 16: 0.08, 399: ", "train   refuses --gpus 8; add --gpus 1", "memory  ", "MiB of weights and state",
                "as planned for cpu in f32")) {
            assertTrue(r.out.contains(part), part + " is not in\n" + r.out);
        }
        assertFalse(Files.exists(Path.of("never-made")));
        assertTrue(run("train", "--amp", "fp16", "--image-size", "32", "--batch", "2", "--dry-run").out.contains("as planned for cpu in f16"), "a step in f16");
    }

    @Test
    void aStepTakesWhatItsPlanTakes() {
        // SGD with momentum: weights, momenta and statistics; averages and accumulators come on top.
        TrainConfig c = Recipes.get(Recipes.GENERATED).withClasses(10).with("image-size", 32).with("batch", 4);
        long parameters = 11_181_642;
        long statistics = 9_600;
        try (Backend cpu = DeviceOptions.open("cpu", 1)) {
            assertEquals(4 * (2 * parameters + statistics), Footprint.of(c, cpu).stateBytes());
            TrainConfig more = c.with("ema", 0.9).with("optimizer-batch-size", 8);
            assertEquals(4 * (4 * parameters + 2 * statistics), Footprint.of(more, cpu).stateBytes());
            long values = Footprint.of(c, cpu).valueBytes();
            assertTrue(values > 4 * 64 * 16 * 16 * 4, "not even the stem's output: " + values);
        }
    }

    @Test
    void whatIsNotThereYetIsNamedWithTheFlagsThatDoWithoutIt() {
        Result r = run("train", "--recipe", "paddle/resnet50/amp-asp-90e", "--out", "never-made");
        assertEquals(2, r.code);
        assertTrue(r.err.startsWith("error: --recipe paddle/resnet50/amp-asp-90e: ") && r.err.contains("--gpus 8 --sparsity mask-1d") && r.err.contains("--gpus 1 --sparsity off")
                && !r.err.contains("--amp")
                && r.err.indexOf('\n') == r.err.length() - 1, r.err);
        r = run("train", "--recipe", "paddle/resnet50/tf32-90e", "--gpus", "1", "--out", "never-made");
        assertTrue(r.code == 2 && r.err.contains("--data: missing"), r.err);
        for (String name : Recipes.names()) {
            boolean ours = name.startsWith("jacquard/");
            assertEquals(ours, Experiment.missing(Recipes.get(name)).isEmpty(), name);
        }
        assertFalse(Files.exists(Path.of("never-made")));
    }

    @Test
    void recipesAreListed() {
        String list = run("recipes").out;
        Recipes.names().forEach(n -> assertTrue(list.contains(n + " "), n));
        assertTrue(list.lines().anyMatch(l -> l.matches("pytorch/efficientnet-b4/v100-32g-fp32-qat-2e +2 +0\\.00000409 .*")), "a small rate has its digits and its power");
        JsonArray json = JsonParser.parseString(run("recipes", "--json").out).getAsJsonArray();
        assertEquals(Recipes.names().size(), json.size());
        assertEquals(0.896, json.asList().stream().map(o -> o.getAsJsonObject()).filter(o -> o.get("name").getAsString().equals("pytorch/resnet50/v100-16g-fp32-90e")).findFirst()
                .orElseThrow()
                .getAsJsonObject("config").getAsJsonObject("schedule").get("lr").getAsDouble());
        Result one = run("recipes", "paddle/resnet50/amp-90e");
        assertTrue(one.code == 0 && one.out.contains("loss-scale-backoff 0.8") && one.out.contains("at their defaults"), one.out);
        assertEquals(4, JsonParser.parseString(run("recipes", "paddle/resnet50/amp-90e", "--json").out).getAsJsonObject().getAsJsonObject("model").get("channels").getAsInt());
        Result unknown = run("recipes", "resnet5");
        assertTrue(unknown.code == 2 && unknown.err.contains("pytorch/resnet50/a100-amp-90e") && unknown.err.indexOf('\n') == unknown.err.length() - 1, unknown.err);
    }

    @Test
    void usersOfTheSystemsFindTheirFlags() {
        Result r = run("train", "--dry-run", "-b", "16", "--lr_init", "0.25", "--lr_warmup_epochs=2", "--bn-weight-decay", "--use-ema", "0.99", "--prof", "3", "--lr-schedule",
                "linearcosine", "--no-flip", "-j", "2", "--print-freq", "7", "--max-epochs", "3", "--rmsprop-eps", "0.5", "--augmenter_name", "RandAugment", "--gpus", "2");
        assertEquals(0, r.code, r.err);
        for (String part : List.of("batch 16", "lr 0.25", "warmup-epochs 2", "decay-rule all", "ema 0.99", "max-steps 3", "lr-schedule linear-cosine", "flip false",
                "loader-threads 2", "log-steps 7", "epochs 3", "epsilon 0.5", "augmentation randaugment", "gpus 2")) {
            assertTrue(r.out.substring(0, r.out.indexOf("from the recipe")).contains(part), part + " is not in\n" + r.out);
        }
    }

    @Test
    void aModeGoesOverTheRecipeAndFlagsOverBoth() {
        TrainConfig c = ResolvedConfig.of("pytorch/efficientnet-b4/a100-tf32", "benchmark-training", Map.of("log-steps", "5")).config();
        assertEquals(3, c.schedule().epochs());
        assertEquals(3, c.schedule().warmupEpochs(), "a warm-up that nobody typed is not longer than the run");
        assertTrue(c.machine().trainingOnly() && !c.machine().checkpoints());
        assertEquals(5, c.machine().logSteps());
        assertEquals(List.of("convergence", "evaluate", "benchmark-training", "benchmark-training-short", "benchmark-inference"), Recipes.modes());
        Result r = run("train", "--mode", "benchmark", "--dry-run");
        assertTrue(r.code == 2 && r.err.contains("--mode") && r.err.contains("benchmark-training-short"), r.err);
    }

    @Test
    void settingsThatDoNotFitAreNamed() {
        for (String[] c : new String[][] {{"--lr-milestones 30,20", "--lr-milestones"}, {"--min-scale 0.9 --max-scale 0.5", "--min-scale"}, {"--stages 100", "--stages"},
            {"--warmup 9", "--warmup-epochs"}, {"--drop-path all", "one of sample, batch"}, {"--seed x", "a whole number"}, {"--bn-momentum 0", "above 0 to 1"},
            {"--dropout 1", "0 to below 1"}, {"--lr-at 8", "--lr-at"}}) {
            Result r = run(("train --dry-run " + c[0]).split(" "));
            assertTrue(r.code == 2 && r.err.contains(c[1]) && r.err.indexOf('\n') == r.err.length() - 1, c[0] + ": " + r.err + r.out);
        }
    }
}
