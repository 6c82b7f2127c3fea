package dev.jacquard.kernels.nvidia;

import dev.jacquard.kernels.driver.ConvolutionProblem;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.MatrixEngine;
import dev.jacquard.kernels.driver.MatrixLibraries;
import dev.jacquard.kernels.driver.ProductProblem;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The libraries' engines on one device. Libraries are loaded, and their handles made, when a problem is first asked about: whoever uses our own kernels only pays nothing. */
final class NvidiaLibraries implements MatrixLibraries, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NvidiaLibraries.class);

    /** cuBLAS and cuBLASLt refuse scratch that begins elsewhere. */
    private static final long SCRATCH_ALIGNMENT = 256;

    private final Runnable ready;
    private final int driverVersion;
    private final Arena arena = Arena.ofShared();
    private final Handle<Cublas> cublas = new Handle<>("cuBLAS", () -> loaded().cublas(), library -> new Cublas(library, arena()));
    private final Handle<CublasLt> cublasLt = new Handle<>("cuBLASLt", () -> loaded().cublasLt(), library -> new CublasLt(library, arena()));
    private final Handle<Cudnn> cudnn = new Handle<>("cuDNN", () -> loaded().cudnn(), library -> new Cudnn(library, arena()));

    /** What has been said once. */
    private final Set<String> said = new HashSet<>();

    /**
     * Those of a device.
     *
     * @param ready makes the device's context the calling thread's current one, or throws what is wrong with it
     * @param driverVersion 1000 major + 10 minor
     */
    NvidiaLibraries(Runnable ready, int driverVersion) {
        this.ready = ready;
        this.driverVersion = driverVersion;
    }

    private LoadedLibraries loaded() {
        return LoadedLibraries.here(driverVersion);
    }

    private Arena arena() {
        return arena;
    }

    /** A library's handle on the device, made when first asked for; a library that does not start is not asked again. */
    private final class Handle<T extends AutoCloseable> {
        private final String name;
        private final Supplier<LoadedLibraries.Entry> entry;
        private final Function<NativeLibrary, T> make;
        private T made;
        private boolean tried;

        Handle(String name, Supplier<LoadedLibraries.Entry> entry, Function<NativeLibrary, T> make) {
            this.name = name;
            this.entry = entry;
            this.make = make;
        }

        /** Its engines, none if it is not used. A library's refusal is said once; other failures are the device's, and thrown. */
        List<MatrixEngine> engines(Function<T, List<MatrixEngine>> ask) {
            try {
                if (!tried) {
                    tried = true;
                    NativeLibrary library = entry.get().library();
                    made = library == null ? null : make.apply(library);
                }
                return made == null ? List.of() : ask.apply(made).stream().<MatrixEngine>map(Ready::new).toList();
            } catch (DriverException e) {
                if (e.kind() != DriverException.Kind.LIBRARY) {
                    throw e;
                }
                if (said.add(name + e.getMessage())) {
                    LOG.warn("{} is not used{}: {}", name, made == null ? "" : " for a shape", e.getMessage());
                }
                return List.of();
            }
        }

        void close() {
            if (made != null) {
                try {
                    made.close();
                } catch (Exception e) {
                    LOG.debug("{} does not end: {}", name, e.toString());
                }
                made = null;
            }
        }
    }

    /** An engine whose calls come with the device's context, and whose scratch begins where the libraries want it; plans' memory is less aligned than that. */
    private final class Ready implements MatrixEngine {
        private final MatrixEngine engine;

        Ready(MatrixEngine engine) {
            this.engine = engine;
        }

        @Override
        public String name() {
            return engine.name();
        }

        @Override
        public long workspace() {
            return engine.workspace() == 0 ? 0 : engine.workspace() + SCRATCH_ALIGNMENT;
        }

        @Override
        public Bound bind(Operands operands) {
            ready.run();
            long scratch = (operands.workspace() + SCRATCH_ALIGNMENT - 1) / SCRATCH_ALIGNMENT * SCRATCH_ALIGNMENT;
            Bound bound = engine.bind(operands.withWorkspace(scratch));
            return stream -> {
                ready.run();
                bound.enqueue(stream);
            };
        }
    }

    @Override
    public synchronized List<MatrixEngine> product(ProductProblem p) {
        ready.run();
        List<MatrixEngine> all = new ArrayList<>(cublas.engines(c -> c.engines(p)));
        all.addAll(cublasLt.engines(c -> c.engines(p)));
        return all;
    }

    @Override
    public synchronized List<MatrixEngine> convolution(ConvolutionProblem p) {
        ready.run();
        List<MatrixEngine> all = new ArrayList<>(cudnn.engines(c -> c.engines(p)));
        all.addAll(cudnn.engines(c -> c.graph().engines(p)));
        return all;
    }

    @Override
    public String versions() {
        return loaded().versions();
    }

    @Override
    public List<String> report() {
        return loaded().all().stream().map(LoadedLibraries.Entry::toString).toList();
    }

    /** Ends the handles, not the libraries. The device must be in order, or nothing is freed. */
    @Override
    public synchronized void close() {
        cudnn.close();
        cublasLt.close();
        cublas.close();
        arena.close();
    }
}
