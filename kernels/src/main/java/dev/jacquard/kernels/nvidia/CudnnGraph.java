package dev.jacquard.kernels.nvidia;


import dev.jacquard.kernels.driver.ConvolutionProblem;
import dev.jacquard.kernels.driver.ConvolutionProblem.Pass;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.Epilogue;
import dev.jacquard.kernels.driver.MatrixEngine;
import dev.jacquard.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntSupplier;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import jcuda.jcudnn.cudnnBackendAttributeName;
import jcuda.jcudnn.cudnnBackendAttributeType;
import jcuda.jcudnn.cudnnBackendDescriptorType;
import jcuda.jcudnn.cudnnBackendHeurMode;
import jcuda.jcudnn.cudnnBackendNumericalNote;

/**
 * cuDNN's younger interface: a convolution, with bias and ReLU where wanted, is described as a graph of operations, a heuristic names engines for it, and each is made a plan.
 * Through FFM: JCudnn binds these calls, but passes null for arrays and buffers without a word. Padding may differ between opposite sides here.
 */
final class CudnnGraph implements AutoCloseable {
    static final List<String> FUNCTIONS = List.of("cudnnBackendCreateDescriptor", "cudnnBackendDestroyDescriptor", "cudnnBackendSetAttribute", "cudnnBackendGetAttribute",
            "cudnnBackendFinalize", "cudnnBackendExecute");

    // Plans per pass: of the quick heuristic's first, of the thorough one's first that are others, and of further engines, as a heuristic's list often begins with a dozen settings
    // of one engine.
    private static final int QUICK = 3;
    private static final int THOROUGH = 2;
    private static final int FURTHER = 2;

    /** Engine configurations that a heuristic is asked for. Many, as in full F32 all engines with TF32 come first and are passed over. */
    private static final int ASKED = 64;

    /** CUDNN_HEUR_MODE_A of cuDNN 8.3, younger than JCudnn's jar. */
    private static final int MODE_A = 3;

    /** cudnnBackendNumericalNote_t from WINOGRAD on: transforms of any tile. */
    private static final int WINOGRAD_LAST = 8;

    private static final int NOTES = 32;
    private static final int KNOBS = 48;
    private static final Cleaner CLEANER = Cleaner.create();

    private final NativeLibrary library;
    private final CudnnErrors errors;
    private final long handle;
    private final InStream inStream;
    private final CudnnDescriptors descriptors;
    private final MemorySegment execute;

    /** Runs a call with the handle's stream set. */
    interface InStream {
        void run(long stream, String call, IntSupplier calls);
    }

    CudnnGraph(NativeLibrary library, CudnnErrors errors, long handle, InStream inStream) {
        this.library = library;
        this.errors = errors;
        this.handle = handle;
        this.inStream = inStream;
        this.descriptors = new CudnnDescriptors(library, errors);
        this.execute = library.function("cudnnBackendExecute");
    }

    /** Engines for a pass, the quick heuristic's first. @throws DriverException of kind LIBRARY if the graph cannot be described */
    synchronized List<MatrixEngine> engines(ConvolutionProblem p) {
        if (!List.of(DType.F32, DType.F16, DType.BF16).contains(p.type()) || p.pass() != Pass.FORWARD && !p.epilogue().equals(Epilogue.NONE)) {
            return List.of();
        }
        long graph = new CudnnConvolutionGraph(descriptors, handle, p).make();
        List<Configuration> quick = configurations(graph, MODE_A, p);
        List<Configuration> thorough = configurations(graph, cudnnBackendHeurMode.CUDNN_HEUR_MODE_B, p);
        List<Engine> all = new ArrayList<>();
        Set<Configuration> seen = new HashSet<>();
        take(quick, QUICK, seen, p, all);
        take(thorough, THOROUGH, seen, p, all);
        for (int i = 0; i < FURTHER; i++) {
            Set<Long> engines = all.stream().map(e -> e.engine).collect(Collectors.toSet());
            take(Stream.concat(quick.stream(), thorough.stream()).filter(c -> !engines.contains(c.engine)).toList(), 1, seen, p, all);
        }
        return List.copyOf(all);
    }

    /** An engine with its settings: equal if both are. */
    private record Configuration(long descriptor, long engine, List<Long> knobs) {
        @Override
        public boolean equals(Object o) {
            return o instanceof Configuration c && engine == c.engine && knobs.equals(c.knobs);
        }

        @Override
        public int hashCode() {
            return Long.hashCode(engine) + 31 * knobs.hashCode();
        }
    }

    /** Makes plans of the first so many that have not been seen; an engine may refuse a problem that a heuristic has named it for. */
    private void take(List<Configuration> from, int most, Set<Configuration> seen, ConvolutionProblem p, List<Engine> into) {
        int wanted = into.size() + most;
        for (Configuration c : from) {
            if (into.size() < wanted && seen.add(c)) {
                plan(c, p, into.size()).ifPresent(into::add);
            }
        }
    }

    /** What a heuristic proposes, without engines that are not to be used; nothing where it has no opinion, as the thorough one on some passes. */
    private List<Configuration> configurations(long graph, int mode, ConvolutionProblem p) {
        long heuristic = descriptors.create(cudnnBackendDescriptorType.CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
        descriptors.set(heuristic, cudnnBackendAttributeName.CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, cudnnBackendAttributeType.CUDNN_TYPE_BACKEND_DESCRIPTOR, graph);
        descriptors.setInts(heuristic, cudnnBackendAttributeName.CUDNN_ATTR_ENGINEHEUR_MODE, cudnnBackendAttributeType.CUDNN_TYPE_HEUR_MODE, mode);
        if (descriptors.tryFinish(heuristic) != 0) {
            return List.of();
        }
        List<Configuration> all = new ArrayList<>();
        for (long c : descriptors.children(heuristic, cudnnBackendAttributeName.CUDNN_ATTR_ENGINEHEUR_RESULTS,
                cudnnBackendDescriptorType.CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, ASKED)) {
            long[] engine = descriptors.children(c, cudnnBackendAttributeName.CUDNN_ATTR_ENGINECFG_ENGINE, cudnnBackendDescriptorType.CUDNN_BACKEND_ENGINE_DESCRIPTOR, 1);
            if (engine.length == 1 && exact(engine[0], p)) {
                all.add(new Configuration(c, descriptors.number(engine[0], cudnnBackendAttributeName.CUDNN_ATTR_ENGINE_GLOBAL_INDEX), knobs(c)));
            }
        }
        return all;
    }

    /** The settings of a configuration: kinds and values in turn. */
    private List<Long> knobs(long configuration) {
        List<Long> all = new ArrayList<>();
        try (CudnnDescriptors d = descriptors.temporary()) {
            for (long k : d.children(configuration, cudnnBackendAttributeName.CUDNN_ATTR_ENGINECFG_KNOB_CHOICES,
                    cudnnBackendDescriptorType.CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, KNOBS)) {
                all.add((long) d.ints(k, cudnnBackendAttributeName.CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, cudnnBackendAttributeType.CUDNN_TYPE_KNOB_TYPE, 1)[0]);
                all.add(d.number(k, cudnnBackendAttributeName.CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE));
            }
        }
        return all;
    }

    /** A configuration's plan; empty if the engine does not support the problem after all. */
    private Optional<Engine> plan(Configuration c, ConvolutionProblem p, int position) {
        long plan = descriptors.create(cudnnBackendDescriptorType.CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
        descriptors.set(plan, cudnnBackendAttributeName.CUDNN_ATTR_EXECUTION_PLAN_HANDLE, cudnnBackendAttributeType.CUDNN_TYPE_HANDLE, handle);
        descriptors.set(plan, cudnnBackendAttributeName.CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, cudnnBackendAttributeType.CUDNN_TYPE_BACKEND_DESCRIPTOR, c.descriptor);
        if (descriptors.tryFinish(plan) != 0) {
            return Optional.empty();
        }
        long workspace = descriptors.number(plan, cudnnBackendAttributeName.CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
        return Optional.of(new Engine("cudnn graph " + position + " engine " + c.engine, c.engine, plan, workspace, p));
    }

    /** Whether an engine computes what the types say, the same each time. */
    private boolean exact(long engine, ConvolutionProblem p) {
        boolean full = p.type() == DType.F32 && !p.tf32();
        for (int note : descriptors.ints(engine, cudnnBackendAttributeName.CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, cudnnBackendAttributeType.CUDNN_TYPE_NUMERICAL_NOTE, NOTES)) {
            boolean rounds = note == cudnnBackendNumericalNote.CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS
                    || note == cudnnBackendNumericalNote.CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION;
            boolean transforms = note == cudnnBackendNumericalNote.CUDNN_NUMERICAL_NOTE_FFT || note >= cudnnBackendNumericalNote.CUDNN_NUMERICAL_NOTE_WINOGRAD
                    && note <= WINOGRAD_LAST;
            // On F32 operands the tensor cores compute in TF32.
            if (rounds || transforms || note == cudnnBackendNumericalNote.CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC || full
                    && note == cudnnBackendNumericalNote.CUDNN_NUMERICAL_NOTE_TENSOR_CORE) {
                return false;
            }
        }
        return true;
    }

    @Override
    public synchronized void close() {
        descriptors.close();
    }

    /** An engine's plan for a problem. */
    private final class Engine extends LibraryEngine {
        private final long engine;
        private final long plan;
        private final ConvolutionProblem p;

        Engine(String name, long engine, long plan, long workspace, ConvolutionProblem p) {
            super(name, workspace, p.epilogue());
            this.engine = engine;
            this.plan = plan;
            this.p = p;
        }

        @Override
        Bound bound(Operands o) {
            return new Run(variantPack(o));
        }

        /** Which memory each of the graph's tensors is. */
        private long variantPack(Operands o) {
            long pack = descriptors.createUnowned(cudnnBackendDescriptorType.CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
            long[] ids = CudnnConvolutionGraph.ids(p);
            long[] addresses = LongStream.of(o.a(), o.b(), o.out(), o.scale(), o.bias(), o.residual()).filter(at -> at != 0).toArray();
            descriptors.set(pack, cudnnBackendAttributeName.CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, cudnnBackendAttributeType.CUDNN_TYPE_INT64, ids);
            descriptors.set(pack, cudnnBackendAttributeName.CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, cudnnBackendAttributeType.CUDNN_TYPE_VOID_PTR, addresses);
            descriptors.set(pack, cudnnBackendAttributeName.CUDNN_ATTR_VARIANT_PACK_WORKSPACE, cudnnBackendAttributeType.CUDNN_TYPE_VOID_PTR, o.workspace());
            descriptors.finish(pack);
            return pack;
        }

        /** A plan on its operands. The variant pack ends with it: there is one per bound node, and plans of networks come and go. */
        private final class Run implements Bound {
            private final long pack;
            private final IntSupplier call;

            Run(long pack) {
                this.pack = pack;
                MemorySegment f = execute;
                long h = handle;
                long plan = Engine.this.plan;
                this.call = () -> Foreign.call(f, h, plan, pack);
                MemorySegment destroy = library.function("cudnnBackendDestroyDescriptor");
                CLEANER.register(this, () -> Foreign.call(destroy, pack));
            }

            @Override
            public void enqueue(long stream) {
                inStream.run(stream, name(), call);
            }

            @Override
            public String toString() {
                return name() + " on variant pack " + pack;
            }
        }
    }
}
