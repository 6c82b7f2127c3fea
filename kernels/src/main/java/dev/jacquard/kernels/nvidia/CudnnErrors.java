package dev.jacquard.kernels.nvidia;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.TreeMap;

/** What cudnnStatus_t numbers of cuDNN 9 mean. JCuda's constants are those of cuDNN 8: only success has kept its number. */
final class CudnnErrors {
    /** All kinds of "not supported", 3000 to 3999: a layout, a type, a shape, a pattern. */
    private static final int NOT_SUPPORTED = 3000;

    private static final int TEXT_BYTES = 512;

    /** Of cudnn_graph.h; younger numbers have the name of their family. */
    private static final Map<Integer, String> NAMES = new TreeMap<>(Map.ofEntries(
            Map.entry(1001, "NOT_INITIALIZED"), Map.entry(1002, "SUBLIBRARY_VERSION_MISMATCH"), Map.entry(1003, "SERIALIZATION_VERSION_MISMATCH"), Map.entry(1004, "DEPRECATED"),
            Map.entry(1005, "LICENSE_ERROR"), Map.entry(1006, "RUNTIME_IN_PROGRESS"), Map.entry(1007, "RUNTIME_FP_OVERFLOW"), Map.entry(1008, "SUBLIBRARY_LOADING_FAILED"),
            Map.entry(2000, "BAD_PARAM"), Map.entry(2001, "INVALID_VALUE"), Map.entry(2002, "BAD_PARAM_NULL_POINTER"), Map.entry(2003, "BAD_PARAM_MISALIGNED_POINTER"),
            Map.entry(2004, "BAD_PARAM_NOT_FINALIZED"), Map.entry(2005, "BAD_PARAM_OUT_OF_BOUND"), Map.entry(2006, "BAD_PARAM_SIZE_INSUFFICIENT"),
            Map.entry(2007, "BAD_PARAM_STREAM_MISMATCH"),
            Map.entry(2008, "BAD_PARAM_SHAPE_MISMATCH"), Map.entry(2009, "BAD_PARAM_DUPLICATED_ENTRIES"), Map.entry(2010, "BAD_PARAM_ATTRIBUTE_TYPE"),
            Map.entry(2011, "BAD_PARAM_CUDA_GRAPH_MISMATCH"), Map.entry(2012, "BAD_PARAM_DESCRIPTOR_TYPE"),
            Map.entry(3000, "NOT_SUPPORTED"), Map.entry(3001, "NOT_SUPPORTED_GRAPH_PATTERN"), Map.entry(3002, "NOT_SUPPORTED_SHAPE"), Map.entry(3003, "NOT_SUPPORTED_DATA_TYPE"),
            Map.entry(3004, "NOT_SUPPORTED_LAYOUT"), Map.entry(3005, "NOT_SUPPORTED_INCOMPATIBLE_CUDA_DRIVER"), Map.entry(3006, "NOT_SUPPORTED_INCOMPATIBLE_CUDART"),
            Map.entry(3007, "NOT_SUPPORTED_ARCH_MISMATCH"), Map.entry(3008, "NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING"), Map.entry(3009, "NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE"),
            Map.entry(3010, "NOT_SUPPORTED_SHARED_MEMORY_INSUFFICIENT"), Map.entry(3011, "NOT_SUPPORTED_PADDING"), Map.entry(3012, "NOT_SUPPORTED_BAD_LAUNCH_PARAM"),
            Map.entry(3013, "NOT_SUPPORTED_CUDA_GRAPH_NATIVE_API"), Map.entry(3014, "NOT_SUPPORTED_INVALID_DYNAMIC_SHAPE"),
            Map.entry(4000, "INTERNAL_ERROR"), Map.entry(4001, "INTERNAL_ERROR_COMPILATION_FAILED"), Map.entry(4002, "INTERNAL_ERROR_UNEXPECTED_VALUE"),
            Map.entry(4003, "INTERNAL_ERROR_HOST_ALLOCATION_FAILED"), Map.entry(4004, "INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
            Map.entry(4005, "INTERNAL_ERROR_BAD_LAUNCH_PARAM"), Map.entry(4006, "INTERNAL_ERROR_TEXTURE_CREATION_FAILED"),
            Map.entry(5000, "EXECUTION_FAILED"), Map.entry(5001, "EXECUTION_FAILED_CUDA_DRIVER"), Map.entry(5002, "EXECUTION_FAILED_CUBLAS"),
            Map.entry(5003, "EXECUTION_FAILED_CUDART"), Map.entry(5004, "EXECUTION_FAILED_CURAND")));

    private final SymbolLookup symbols;

    /** @param symbols the library's, which knows the reason of the last failure better than its number says */
    CudnnErrors(SymbolLookup symbols) {
        this.symbols = symbols;
    }

    /** Does nothing on success. @throws DriverException of kind LIBRARY otherwise */
    void check(String call, int status) {
        if (status != 0) {
            throw failure(call, status);
        }
    }

    /** The failure of a call that has just been made by this thread. */
    DriverException failure(String call, int status) {
        String last = last();
        return new DriverException(Kind.LIBRARY, call + ": " + name(status) + " (" + status + ")" + (last.isEmpty() ? "" : ": " + last));
    }

    /** Whether a status says that the library has no way to do it, and not that something broke. */
    static boolean unsupported(int status) {
        return status / 1000 == NOT_SUPPORTED / 1000;
    }

    /** {@code CUDNN_STATUS_NOT_SUPPORTED_LAYOUT}. */
    static String name(int status) {
        String exact = NAMES.get(status);
        String family = NAMES.get(status / 1000 * 1000);
        return "CUDNN_STATUS_" + (exact != null ? exact : family != null ? family + "_..." : "UNKNOWN");
    }

    /** cuDNN's own words for this thread's last failure, in a line. */
    private String last() {
        MemorySegment function = symbols.find("cudnnGetLastErrorString").orElse(null); // since 9.0; its absence costs words only
        if (function == null) {
            return "";
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(TEXT_BYTES);
            Foreign.tell(function, text.address(), TEXT_BYTES);
            text.set(ValueLayout.JAVA_BYTE, TEXT_BYTES - 1, (byte) 0);
            return text.getString(0).strip().replace("\n", " | ");
        }
    }
}
