package dev.jacquard.passes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Leaf;
import dev.jacquard.tensor.op.Random;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FreezeTest {
    private static final TensorType TYPE = TensorType.f32(3);
    private final Variable gamma = variable("gamma", TYPE);
    private final Variable variance = variable("variance", TYPE);
    private final GraphBuilder builder = new GraphBuilder(false);
    private final Tensor x = builder.input("x", TYPE);

    private static Variable variable(String name, TensorType type) {
        return new Variable(() -> name, type, Variable.Role.PARAMETER, Initializer.ZEROS);
    }

    private static Freeze freeze() {
        return new Freeze((_, _) -> true);
    }

    private Freeze.Frozen split() {
        return freeze().split(builder.build());
    }

    /** Names of ops that are no leaves, in order. */
    private static List<String> ops(Graph g) {
        return g.nodes().stream().filter(n -> !(n.op() instanceof Leaf)).map(n -> n.op().name()).toList();
    }

    private Tensor scale(GraphBuilder b) {
        return b.read(gamma).mul(b.read(variance).add(1e-5).rsqrt());
    }

    @Test
    void whatFollowsFromVariablesIsPrepared() {
        try (var _ = builder.label("bn1")) {
            builder.output("y", x.mul(scale(builder)).relu());
        }
        Freeze.Frozen f = split();
        assertEquals(List.of("affine", "rsqrt", "mul"), ops(f.preparing()));
        assertEquals(List.of("mul", "relu"), ops(f.serving()));
        assertEquals(List.of("frozen.0.bn1.mul"), f.variables().stream().map(Variable::name).toList());
        assertEquals(f.variables(), f.serving().variables(), "the weights are not read any more");
        assertEquals(Variable.Role.DERIVED, f.variables().getFirst().role());
        assertEquals(Set.of("x"), f.serving().inputs().keySet());
        assertTrue(f.preparing().inputs().isEmpty() && f.preparing().outputs().isEmpty());
    }

    @Test
    void aResultMayBeFrozen() {
        builder.output("y", x);
        builder.output("scale", scale(builder));
        Freeze.Frozen f = split();
        assertEquals(List.of(), ops(f.serving()));
        assertEquals(Set.of("y", "scale"), f.serving().outputs().keySet());
    }

    @Test
    void valuesAndWhatFollowsFromThemAreBothKeptIfBothAreUsed() {
        Tensor scale = scale(builder);
        builder.output("y", x.mul(scale).add(scale.relu()));
        Freeze.Frozen f = split();
        assertEquals(2, f.variables().size());
        assertEquals(List.of("mul", "add"), ops(f.serving()));
    }

    @Test
    void nothingToFreezeLeavesTheGraph() {
        builder.output("y", x.mul(builder.read(gamma)));
        Freeze.Frozen f = split();
        assertEquals(List.of(), f.variables());
        assertEquals(List.of(), f.preparing().nodes());
        assertEquals(List.of("mul"), ops(f.serving()));
    }

    @Test
    void variablesThatTheGraphWritesChange() {
        builder.output("y", x.mul(scale(builder)).add(builder.read(gamma).relu()));
        builder.write(variance, builder.read(variance).add(1));
        Freeze.Frozen f = split();
        assertEquals(List.of("relu"), ops(f.preparing()));
        assertEquals(List.of(variance), List.copyOf(f.serving().updates().keySet()));
    }

    @Test
    void randomNumbersAreDrawnEveryTime() {
        Variable counter = variable("counter", TensorType.of(DType.I64, 2));
        Tensor uniform = builder.apply(new Random.Uniform(Shape.of(3), 0), List.of(builder.read(counter))).getFirst();
        builder.output("y", x.add(uniform.mul(builder.read(gamma))));
        assertEquals(List.of("uniform", "mul", "add"), ops(split().serving()));
    }

    @Test
    void viewsStayWhereTheyAre() {
        builder.output("y", x.mul(builder.read(gamma).reshape(1, 3).reshape(3)).mul(scale(builder).reshape(3, 1).reshape(3)));
        Freeze.Frozen f = split();
        assertEquals(List.of("affine", "rsqrt", "mul"), ops(f.preparing()));
        assertEquals(4, ops(f.serving()).stream().filter("reshape"::equals).count());
    }

    @Test
    void whatIsLargerThanItsSourcesIsComputedAnewFromWhatIsNot() {
        int n = 1 << 16;
        Variable half = variable("half", TensorType.of(DType.F16, n));
        Tensor large = builder.input("large", TensorType.f32(n));
        builder.output("y", large.mul(builder.read(half).relu().cast(DType.F32)));
        Freeze.Frozen f = split();
        assertEquals(List.of("relu"), ops(f.preparing()));
        assertEquals(List.of("cast", "mul"), ops(f.serving()));
    }

    @Test
    void whatFollowsFromALargeValueIsKeptIfItIsSmall() {
        int n = 1 << 16;
        Variable half = variable("half", TensorType.of(DType.F16, n));
        builder.output("y", x.mul(builder.read(half).cast(DType.F32).sum(0).broadcastTo(Shape.of(3))));
        assertEquals(List.of("cast", "sum"), ops(split().preparing()));
    }

    @Test
    void weightsRoundedToAHalfTypeAreKept() {
        int n = 1 << 16;
        Variable weights = variable("weights", TensorType.f32(n));
        Tensor large = builder.input("large", TensorType.of(DType.F16, n));
        builder.output("y", large.mul(builder.read(weights).cast(DType.F16)));
        Freeze.Frozen f = split();
        assertEquals(List.of("cast"), ops(f.preparing()));
        assertEquals(2L * n, f.serving().variables().stream().mapToLong(v -> v.type().bytes()).sum());
    }

    @Test
    void graphsShareWhatTheyHaveInCommon() {
        builder.output("y", x.mul(scale(builder)));
        GraphBuilder other = new GraphBuilder(false);
        Tensor scale = scale(other);
        other.output("y", other.input("x", TensorType.f32(7, 3)).mul(scale.broadcastTo(Shape.of(7, 3))).add(scale.relu().broadcastTo(Shape.of(7, 3))));
        Freeze freeze = freeze();
        Freeze.Frozen first = freeze.split(builder.build());
        Freeze.Frozen second = freeze.split(other.build());
        assertEquals(List.of("frozen.1.relu"), second.variables().stream().map(Variable::name).toList());
        assertTrue(second.serving().variables().containsAll(first.variables()));
    }

    @Test
    void equalValuesOfAGraphAreOne() {
        builder.output("y", x.mul(scale(builder)).add(scale(builder)));
        Freeze.Frozen f = split();
        assertEquals(1, f.variables().size());
        assertEquals(List.of("mul", "add"), ops(f.serving()));
    }

    @Test
    void otherAttributesMakeOtherValues() {
        builder.output("y", x.mul(builder.read(gamma).add(1)).mul(builder.read(gamma).add(2)).mul(builder.read(variance).add(2)));
        assertEquals(3, split().variables().size());
    }
}
