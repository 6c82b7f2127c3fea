package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.data.Interpolation;
import dev.jacquard.data.Transform;
import dev.jacquard.models.ModelRow;
import dev.jacquard.models.Models;
import dev.jacquard.models.Naming;
import dev.jacquard.models.Padding;
import dev.jacquard.models.Weights;
import dev.jacquard.tensor.DataException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class PreparationTest {
    private static Weights.Info file(String arch, Map<String, String> strings, Padding padding, int channels, Naming... namings) {
        return new Weights.Info(Optional.of(arch), OptionalInt.of(1000), List.of(), strings, List.of(namings), "", false,
                Optional.of(Models.row(arch).defaults().padding(padding).channels(channels)));
    }

    @Test
    void aRunsWeightsAreEvaluatedAsTheRunDid() {
        for (String recipe : Recipes.names()) {
            TrainConfig c = Recipes.get(recipe).withClasses(1000);
            ModelRow row = Models.row(c.arch());
            Weights.Info info = file(c.arch(), Preparation.strings(c, List.of()), c.model().padding(), c.model().channels(), Naming.OURS);
            assertEquals(Experiment.evalTransform(c), Preparation.transform(info, row, Preparation.size(info, row)), recipe);
        }
    }

    @Test
    void otherWeightsAreEvaluatedAsTheirSystemDoes() {
        ModelRow b4 = Models.row("efficientnet-b4");
        Weights.Info nvidia = file("efficientnet-b4", Map.of(), Padding.SYMMETRIC, 3, Naming.NVIDIA);
        assertEquals(380, Preparation.size(nvidia, b4));
        assertEquals(Transform.Eval.pytorch(380).with(Interpolation.BICUBIC), Preparation.transform(nvidia, b4, 380));
        Weights.Info torchvision = file("efficientnet-b4", Map.of(), Padding.SYMMETRIC, 3, Naming.OURS, Naming.TORCHVISION);
        assertEquals(Transform.Eval.shorterSide(380, 384).with(Interpolation.BICUBIC), Preparation.transform(torchvision, b4, 380));
        assertEquals(Transform.Eval.tensorflow(380), Preparation.transform(file("efficientnet-b4", Map.of(), Padding.SAME, 3, Naming.TIMM), b4, 380));
        ModelRow resnet = Models.row("resnet50");
        assertEquals(Transform.Eval.paddle(224, 256), Preparation.transform(file("resnet50", Map.of(), Padding.SYMMETRIC, 4, Naming.OURS), resnet, 224));
        assertEquals(Transform.Eval.of(64), Preparation.transform(file("resnet50", Map.of("image_size", "64"), Padding.SYMMETRIC, 3, Naming.OURS), resnet, 64), "our older files");
    }

    @Test
    void stringsThatNobodyWritesAreNamed() {
        Map<String, String> strings = new HashMap<>(Preparation.strings(TrainConfig.defaults().withClasses(10), List.of()));
        strings.put("eval_rule", "squint");
        Weights.Info info = file("resnet18", strings, Padding.SYMMETRIC, 3, Naming.OURS);
        assertTrue(assertThrows(DataException.class, () -> Preparation.transform(info, Models.row("resnet18"), 40)).getMessage().contains("eval_rule"));
    }
}
