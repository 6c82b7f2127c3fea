package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.jacquard.data.Augmentation;
import dev.jacquard.data.OperationRules;
import dev.jacquard.layers.Decay;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.op.Update;
import dev.jacquard.train.Settings.Interval;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class SettingsTest {
    private static final TrainConfig DEFAULTS = TrainConfig.defaults();

    @Test
    void namesAndAliasesAreOfOneSettingEach() {
        Set<String> seen = new TreeSet<>();
        for (Settings.Row r : Settings.rows()) {
            List<String> flags = new ArrayList<>(List.of(r.flag()));
            flags.addAll(List.of(r.setting().aliases()));
            for (String shorthand : r.setting().shorthands()) {
                String[] parts = shorthand.split("=");
                flags.add(parts[0]);
                r.parse(parts[1]);
            }
            flags.forEach(f -> assertTrue(seen.add(f), f + " is there twice"));
            flags.forEach(f -> assertTrue(f.matches("--?[a-z0-9-]+"), f + ": the command line turns underscores into dashes"));
            assertTrue(r.setting().help().endsWith("."), r.name() + ": help is a sentence");
            r.initial();
        }
    }

    /** Every setting survives text and JSON, at a value that is not its default. */
    @Test
    void everySettingIsReadBackAsItWasWritten() {
        for (Settings.Row r : Settings.rows()) {
            TrainConfig c = DEFAULTS.with(r.name(), other(r));
            assertNotEquals(r.text(DEFAULTS), r.text(c), r.name());
            assertEquals(c, Settings.read("file", Settings.json(c)), r.name());
            assertEquals(r.get(c), r.parse(r.text(c)), r.name());
            boolean place = r.name().equals("data"); // from generated pictures to real ones
            assertEquals(r.setting().mayChange() && !place, c.identity().equals(DEFAULTS.identity()), r.name() + ": what may change is not part of what a run is");
        }
    }

    private static String other(Settings.Row r) {
        String now = r.text(DEFAULTS);
        return switch (r.type().getSimpleName()) {
            case "boolean" -> now.equals("true") ? "false" : "true";
            case "String" -> now + "x";
            case "List" -> now + ",99";
            case "int", "long", "double" -> List.of("1", "3", "4", "8", "0.5", "0.25").stream()
                    .filter(v -> !v.equals(now) && r.readable(v) && Interval.of(r.setting().range()).contains(Double.parseDouble(v)))
                    .findFirst().orElseThrow();
            default -> r.choices().stream().filter(v -> !v.equals(now)).findFirst().orElseThrow();
        };
    }

    @Test
    void intervalsMeanWhatTheyShow() {
        Interval half = Interval.of("(0, 1]");
        assertTrue(!half.contains(0) && half.contains(1e-300) && half.contains(1) && !half.contains(1.1) && !half.contains(Double.NaN));
        assertEquals("above 0 to 1", half.words());
        Interval up = Interval.of("[1, )");
        assertTrue(!up.contains(0.9) && up.contains(1) && up.contains(1e300) && !up.contains(Double.POSITIVE_INFINITY));
        assertEquals("at least 1", up.words());
        assertEquals("0 to below 1", Interval.of("[0, 1)").words());
        assertFalse(Interval.of("").contains(Double.NaN));
    }

    @Test
    void wrongValuesAreNamedByTheirFlag() {
        for (String[] c : new String[][] {{"lr", "fast", "a number"}, {"epochs", "1.5", "a whole number"}, {"flip", "perhaps", "true or false"},
                {"padding", "valid", "one of symmetric, same"},
            {"momentum", "1", "0 to below 1"}, {"lr-milestones", "3;4", "numbers with commas"}, {"gpus", "0", "1 to 4096"}}) {
            CallerException e = assertThrows(CallerException.class, () -> DEFAULTS.with(c[0], c[1]), c[0]);
            assertTrue(e.getMessage().startsWith("--" + c[0] + ": ") && e.getMessage().contains(c[2]), e.getMessage());
        }
        assertTrue(assertThrows(CallerException.class, () -> DEFAULTS.with("learning-rate", 1)).getMessage().contains("unknown name"));
    }

    @Test
    void filesThatAreNotComplete() {
        JsonObject missing = JsonParser.parseString(Settings.json(DEFAULTS)).getAsJsonObject();
        missing.getAsJsonObject("schedule").remove("lr");
        JsonObject unknown = JsonParser.parseString(Settings.json(DEFAULTS)).getAsJsonObject();
        unknown.getAsJsonObject("schedule").addProperty("batch", 3);
        JsonObject group = JsonParser.parseString(Settings.json(DEFAULTS)).getAsJsonObject();
        group.add("more", new JsonObject());
        group.addProperty("most", 1);
        JsonObject kind = JsonParser.parseString(Settings.json(DEFAULTS)).getAsJsonObject();
        kind.getAsJsonObject("schedule").addProperty("lr", "0.1");
        for (Map.Entry<JsonObject, String> c : Map.of(missing, "schedule.lr is missing", unknown, "schedule.batch is no setting", group, "most is no group", kind, "lr is \"0.1\"")
                .entrySet()) {
            DataException e = assertThrows(DataException.class, () -> Settings.read("config.json", c.getKey().toString()), c.getValue());
            assertTrue(e.getMessage().startsWith("config.json: ") && e.getMessage().contains(c.getValue()), e.getMessage());
        }
    }

    /** What a run computes must be said, where and how it does may be left to the defaults: files of versions that had fewer settings. */
    @Test
    void filesOfFewerSettings() {
        for (Settings.Row r : Settings.rows()) {
            TrainConfig c = DEFAULTS.with(r.name(), other(r));
            JsonObject lacks = JsonParser.parseString(Settings.json(c)).getAsJsonObject();
            lacks.getAsJsonObject(r.group().getName()).remove(r.name());
            if (r.setting().mayChange() && !List.of("data", "val").contains(r.name())) {
                assertEquals(DEFAULTS, Settings.read("config.json", lacks.toString()), r.name());
            } else {
                DataException e = assertThrows(DataException.class, () -> Settings.read("config.json", lacks.toString()), r.name());
                assertTrue(e.getMessage().contains("." + r.name() + " is missing"), e.getMessage());
            }
        }
    }

    @Test
    void theLastWordIsTheFlags() {
        ResolvedConfig c = ResolvedConfig.of("jacquard/resnet50/images", "benchmark-training", Map.of("arch", "efficientnet-b4", "batch", "2", "log-steps", "9"));
        assertEquals("efficientnet-b4", c.config().arch());
        assertEquals(ResolvedConfig.Origin.FLAG, c.origins().get("batch"));
        assertEquals(ResolvedConfig.Origin.MODE, c.origins().get("epochs"));
        assertEquals(9, c.config().machine().logSteps());
        assertEquals(ResolvedConfig.Origin.ARCHITECTURE, c.origins().get("image-size"));
        assertEquals(380, c.config().data().imageSize());
        assertEquals(ResolvedConfig.Origin.RECIPE, c.origins().get("min-scale"));
        assertEquals(ResolvedConfig.Origin.DEFAULT, c.origins().get("keep"));
        assertEquals("resnet50", ResolvedConfig.of(null, null, Map.of("data", "x")).config().arch());
        assertEquals("resnet18", ResolvedConfig.of(null, null, Map.of()).config().arch());
    }

    @Test
    void accumulationAndScalingAreThoseOfTheSystems() {
        TrainConfig b0 = Recipes.get("pytorch/efficientnet-b0/v100-16g-fp32");
        assertEquals(8, b0.batch().accumulation()); // 4096 / (8 x 64)
        assertEquals(64, b0.with("gpus", 1).batch().accumulation());
        assertEquals(10, b0.with("batch", 50).batch().accumulation(), "int(4096 / 400)");
        assertEquals(1, b0.with("batch", 8192).batch().accumulation());
        assertEquals(0.08, b0.with("gpus", 1).peakLr());
        TrainConfig tf = Recipes.get("tensorflow/efficientnet-b4/a100-tf32");
        assertEquals(0.025, tf.peakLr(), 1e-12);
        assertEquals(0.1, tf.with("optimizer-batch-size", 2560).peakLr(), 1e-12, "what is added up counts");
        TrainConfig paddle = Recipes.get("paddle/resnet50/tf32-90e");
        assertEquals(2.048, paddle.peakLr(), 1e-12);
        assertEquals(2.048, paddle.with("batch", 32).peakLr(), 1e-12, "the batch does not");
    }

    @Test
    void whatIsMadeOfSettingsIsWhatTheySay() {
        TrainConfig torch = Recipes.get("pytorch/efficientnet-b4/a100-amp").withClasses(10).with("arch", "efficientnet-b0");
        assertEquals(new Update.RmsProp(0.9, 0.01, 0.9, 5e-6, Update.RmsProp.Form.PYTORCH), Experiment.optimizer(torch, Experiment.network(torch)).rule());
        TrainConfig tf = Recipes.get("tensorflow/efficientnet-b0/v100-amp").withClasses(10);
        assertEquals(new Update.RmsProp(0.9, 1e-3, 0.9, 5e-6, Update.RmsProp.Form.TENSORFLOW), Experiment.optimizer(tf, Experiment.network(tf)).rule());
        assertEquals(Decay.TENSORFLOW, tf.optimization().decay());
        assertEquals(new Averaging(0.9999, Averaging.Cadence.UPDATE, true), Experiment.averaging(tf));
        assertEquals(Update.SgdMomentum.Form.KERAS, ((Update.SgdMomentum) Experiment.optimizer(tf.with("optimizer", "sgd"), Experiment.network(tf)).rule()).form());
        assertEquals(4, Experiment.model(Recipes.get("paddle/resnet50/amp-90e")).channels());
        assertEquals(Augmentation.autoAugment(OperationRules.TENSORFLOW), Experiment.transform(tf, Stage.of(tf).getFirst()).augmentation());
        TrainConfig random = DEFAULTS.with("augmentation", "randaugment").with("augmentation-arithmetic", "tensorflow");
        assertEquals(Augmentation.randAugment(2, 10), Experiment.transform(random, Stage.of(random).getFirst()).augmentation(), "its own constants");
        assertEquals(Augmentation.autoAugment(OperationRules.PYTORCH), Experiment.transform(torch, Stage.of(torch).getFirst()).augmentation());
    }
}
