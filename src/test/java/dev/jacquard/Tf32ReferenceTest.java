package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.autograd.Gradients;
import dev.jacquard.cpu.CpuBackend;
import dev.jacquard.emulator.EmulatorDriver;
import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.MatrixOptions;
import dev.jacquard.kernels.Selection;
import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.mixedprecision.EmulateTf32;
import dev.jacquard.tck.Comparator;
import dev.jacquard.tck.Tolerance;
import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.graph.Node;
import dev.jacquard.tensor.io.SafeTensors;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.op.Window;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Products and convolutions in TF32, forward and backward, are those that NumPy makes of operands with 10 bits of mantissa (scripts/make_tf32_reference.py), but for the rounding
 * of sums in F32: emulated on the CPU, and by the CUDA kernels on tensor cores. Those of F32 are not.
 */
class Tf32ReferenceTest {
    private static final Path FILE = Path.of("resources/reference/tf32_products.safetensors");
    private static final Selection FIRST_MMA = (_, _, names) -> IntStream.range(0, names.size()).filter(i -> names.get(i).startsWith("mma")).findFirst().orElse(0);
    private static SafeTensors file;

    @BeforeAll
    static void open() {
        file = SafeTensors.open(FILE);
    }

    @AfterAll
    static void close() {
        file.close();
    }

    /** The graph of a case: its results by the names that they have in the file. */
    private static Graph graph(String name) {
        GraphBuilder b = new GraphBuilder(false);
        switch (name) {
            case "matmul_nn" -> product(b, name, new MatMul(false, false));
            case "matmul_nt" -> product(b, name, new MatMul(false, true));
            case "matmul_tn" -> product(b, name, new MatMul(true, false));
            case "conv_3x3" -> convolution(b, name, new Conv2d(Window.of(2, 1), 1));
            case "conv_1x1" -> convolution(b, name, new Conv2d(Window.of(1, 0), 1));
            case "conv_grouped" -> convolution(b, name, new Conv2d(Window.of(1, 1), 4));
            default -> throw new AssertionError(name);
        }
        return b.build();
    }

    private static Tensor input(GraphBuilder b, String name, String operand) {
        return b.input(operand, file.type(name + "." + operand));
    }

    private static void product(GraphBuilder b, String name, MatMul op) {
        b.output("y", input(b, name, "a").apply(op, input(b, name, "b")));
    }

    private static void convolution(GraphBuilder b, String name, Conv2d op) {
        Tensor x = input(b, name, "x");
        Tensor w = input(b, name, "w");
        Tensor y = x.apply(op, w);
        List<Tensor> gradients = Gradients.of(y, input(b, name, "dy"), List.of(x, w));
        b.output("y", y);
        b.output("dx", gradients.get(0));
        b.output("dw", gradients.get(1));
    }

    /** What lies outside of the tolerance for each result, as F32 sums of so many terms may differ from exact ones. */
    private static Map<String, Optional<String>> differences(String name, Backend backend, Tolerance.Table table) {
        Graph graph = EmulateTf32.on(backend).apply(graph(name));
        Map<String, Optional<String>> all = new LinkedHashMap<>();
        try (State state = new State(backend); Plan plan = Plan.of(graph, state)) {
            plan.inputs().keySet().forEach(in -> plan.feed(in, MemorySegment.ofArray(file.floats(name + "." + in))));
            plan.run();
            graph.outputs().forEach((out, symbol) -> {
                Node n = symbol.node();
                Tolerance tolerance = table.row(DType.F32, n.op().accuracy(Graph.types(n.inputs())));
                all.put(out, Comparator.difference(symbol.type(), doubles(plan.floats(out)), doubles(file.floats(name + "." + out)), tolerance, 1));
            });
        }
        return all;
    }

    private static double[] doubles(float[] values) {
        return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
    }

    private static void assertAgrees(String name, Backend backend, Tolerance.Table table) {
        differences(name, backend, table).forEach((out, difference) -> assertEquals(Optional.empty(), difference, name + "." + out));
    }

    @ParameterizedTest
    @ValueSource(strings = {"matmul_nn", "matmul_nt", "matmul_tn", "conv_3x3", "conv_1x1", "conv_grouped"})
    void emulatedOnTheCpu(String name) {
        try (Backend cpu = new CpuBackend(2, true)) {
            assertAgrees(name, cpu, Tolerance::of);
        }
    }

    /** Sums in double are those of the file but for its being read in F32. */
    @ParameterizedTest
    @ValueSource(strings = {"matmul_nn", "matmul_nt", "matmul_tn", "conv_3x3", "conv_1x1", "conv_grouped"})
    void emulatedOnTheReference(String name) {
        assertAgrees(name, new ReferenceBackend(true), (dtype, _) -> Tolerance.of(dtype, Accuracy.elementwise()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"matmul_nn", "matmul_nt", "matmul_tn", "conv_3x3", "conv_1x1", "conv_grouped"})
    void onTensorCores(String name) {
        Set<String> chosen = new TreeSet<>();
        MatrixOptions options = new MatrixOptions(true, (op, in, names) -> {
            int mma = FIRST_MMA.choose(op, in, names);
            chosen.add(names.get(mma));
            return mma;
        });
        try (Backend cuda = new CudaBackend("emulator", new EmulatorDriver(), false, options)) {
            assertFalse(cuda.emulatesTf32());
            assertAgrees(name, cuda, Tolerance::of);
        }
        assertTrue(!chosen.isEmpty() && chosen.stream().allMatch(c -> c.startsWith("mma")), chosen.toString());
    }

    /** Kernels that leave rounding to the tensor cores, which cut the low bits off, would be found out. */
    @ParameterizedTest
    @ValueSource(strings = {"matmul_nn", "matmul_nt", "matmul_tn", "conv_3x3", "conv_1x1", "conv_grouped"})
    void kernelsThatCutInsteadOfRoundingFail(String name) {
        try (Backend cuda = new CudaBackend("emulator", cutting(new EmulatorDriver()), false, new MatrixOptions(true, FIRST_MMA))) {
            differences(name, cuda, Tolerance::of).forEach((out, difference) -> assertTrue(difference.isPresent(), name + "." + out));
        }
    }

    /** A device whose kernels have a move for each rounding to TF32. */
    private static Driver cutting(Driver driver) {
        return (Driver) Proxy.newProxyInstance(Driver.class.getClassLoader(), new Class<?>[] {Driver.class}, (_, method, arguments) -> {
            if (method.getName().equals("loadModule")) {
                arguments[1] = new String((byte[]) arguments[1], StandardCharsets.UTF_8).replace("cvt.rna.tf32.f32", "mov.b32").getBytes(StandardCharsets.UTF_8);
            }
            try {
                return method.invoke(driver, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    /** The tolerance for sums in F32 tells TF32 from F32 in every result; the row for TF32 has room for both. */
    @ParameterizedTest
    @ValueSource(strings = {"matmul_nn", "matmul_nt", "matmul_tn", "conv_3x3", "conv_1x1", "conv_grouped"})
    void f32IsSomethingElse(String name) {
        try (Backend cpu = new CpuBackend(2)) {
            differences(name, cpu, Tolerance::of).forEach((out, difference) -> assertTrue(difference.isPresent(), name + "." + out));
            assertAgrees(name, cpu, Tolerance::tf32);
        }
    }

    @Test
    void everyCaseOfTheFileIsTested() {
        Set<String> cases = new TreeSet<>(file.names().stream().map(n -> n.replaceFirst("\\..*", "")).toList());
        assertEquals(Set.of("matmul_nn", "matmul_nt", "matmul_tn", "conv_3x3", "conv_1x1", "conv_grouped"), cases);
    }
}
