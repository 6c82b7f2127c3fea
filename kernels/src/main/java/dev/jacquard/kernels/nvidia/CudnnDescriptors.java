package dev.jacquard.kernels.nvidia;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.jacquard.kernels.driver.DriverException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import jcuda.jcudnn.cudnnBackendAttributeName;
import jcuda.jcudnn.cudnnBackendAttributeType;

/** The descriptors of cuDNN's graphs: made, given attributes, finished, asked. Those that are owned live until this is closed. Not thread-safe. */
final class CudnnDescriptors implements AutoCloseable {
    private final CudnnErrors errors;
    private final MemorySegment create;
    private final MemorySegment destroy;
    private final MemorySegment set;
    private final MemorySegment get;
    private final MemorySegment finish;
    private final List<Long> owned = new ArrayList<>();

    CudnnDescriptors(NativeLibrary library, CudnnErrors errors) {
        this.errors = errors;
        create = library.function("cudnnBackendCreateDescriptor");
        destroy = library.function("cudnnBackendDestroyDescriptor");
        set = library.function("cudnnBackendSetAttribute");
        get = library.function("cudnnBackendGetAttribute");
        finish = library.function("cudnnBackendFinalize");
    }

    private CudnnDescriptors(CudnnDescriptors like) {
        errors = like.errors;
        create = like.create;
        destroy = like.destroy;
        set = like.set;
        get = like.get;
        finish = like.finish;
    }

    /** A descriptor of a type. @throws DriverException of kind LIBRARY */
    long create(int type) {
        long made = createUnowned(type);
        owned.add(made);
        return made;
    }

    /** A descriptor that the caller destroys. */
    long createUnowned(int type) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_LONG);
            errors.check("cudnnBackendCreateDescriptor(" + type + ")", Foreign.call(create, type, out.address()));
            return out.get(JAVA_LONG, 0);
        }
    }

    private void set(long descriptor, int attribute, int type, long count, MemorySegment values) {
        int status = Foreign.call(set, descriptor, attribute, type, count, values.address());
        if (status != 0) {
            throw errors.failure("cudnnBackendSetAttribute(" + cudnnBackendAttributeName.stringFor(attribute) + ")", status);
        }
    }

    /** Sets an attribute to 64-bit numbers: integers, addresses, descriptors, handles. */
    void set(long descriptor, int attribute, int type, long... values) {
        try (Arena arena = Arena.ofConfined()) {
            set(descriptor, attribute, type, values.length, arena.allocateFrom(JAVA_LONG, values));
        }
    }

    /** Sets an attribute to an enumeration's value. */
    void setInts(long descriptor, int attribute, int type, int... values) {
        try (Arena arena = Arena.ofConfined()) {
            set(descriptor, attribute, type, values.length, arena.allocateFrom(JAVA_INT, values));
        }
    }

    /** Sets an attribute to a float. */
    void setFloat(long descriptor, int attribute, float value) {
        try (Arena arena = Arena.ofConfined()) {
            set(descriptor, attribute, cudnnBackendAttributeType.CUDNN_TYPE_FLOAT, 1, arena.allocateFrom(JAVA_FLOAT, value));
        }
    }

    /** Sets an attribute to true. */
    void setTrue(long descriptor, int attribute) {
        try (Arena arena = Arena.ofConfined()) {
            set(descriptor, attribute, cudnnBackendAttributeType.CUDNN_TYPE_BOOLEAN, 1, arena.allocateFrom(JAVA_BYTE, (byte) 1));
        }
    }

    /** Checks a descriptor and makes it usable. @throws DriverException of kind LIBRARY */
    void finish(long descriptor) {
        errors.check("cudnnBackendFinalize", tryFinish(descriptor));
    }

    /** The same where a refusal is an answer. @return the status */
    int tryFinish(long descriptor) {
        return Foreign.call(finish, descriptor);
    }

    /** @return how many values there are, which may be more than were asked for */
    private int get(long descriptor, int attribute, int type, int capacity, MemorySegment values) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(JAVA_LONG);
            int status = Foreign.call(get, descriptor, attribute, type, capacity, count.address(), values.address());
            if (status != 0) {
                throw errors.failure("cudnnBackendGetAttribute(" + cudnnBackendAttributeName.stringFor(attribute) + ")", status);
            }
            return Math.toIntExact(count.get(JAVA_LONG, 0));
        }
    }

    /**
     * Descriptors that an attribute consists of, at most so many. cuDNN fills those that it is given, and says of some attributes only then how many there are: those that are left
     * over are destroyed.
     */
    long[] children(long descriptor, int attribute, int type, int most) {
        long[] made = new long[most];
        Arrays.setAll(made, _ -> createUnowned(type));
        int count = 0;
        try (Arena arena = Arena.ofConfined()) {
            count = Math.min(most, get(descriptor, attribute, cudnnBackendAttributeType.CUDNN_TYPE_BACKEND_DESCRIPTOR, most, arena.allocateFrom(JAVA_LONG, made)));
        } finally {
            for (int i = 0; i < most; i++) {
                if (i < count) {
                    owned.add(made[i]);
                } else {
                    Foreign.call(destroy, made[i]);
                }
            }
        }
        return Arrays.copyOf(made, count);
    }

    /** The same functions with descriptors of its own, which end when it is closed. */
    CudnnDescriptors temporary() {
        return new CudnnDescriptors(this);
    }

    /** An attribute that is one 64-bit integer. */
    long number(long descriptor, int attribute) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(JAVA_LONG);
            get(descriptor, attribute, cudnnBackendAttributeType.CUDNN_TYPE_INT64, 1, value);
            return value.get(JAVA_LONG, 0);
        }
    }

    /** An attribute that is a list of an enumeration's values, empty if there are none. */
    int[] ints(long descriptor, int attribute, int type, int capacity) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment values = arena.allocate(JAVA_INT, capacity);
            int count = Math.min(capacity, get(descriptor, attribute, type, capacity, values));
            return values.asSlice(0, (long) count * Integer.BYTES).toArray(JAVA_INT);
        }
    }

    @Override
    public void close() {
        owned.reversed().forEach(d -> Foreign.call(destroy, d));
        owned.clear();
    }
}
