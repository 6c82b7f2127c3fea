package dev.jacquard.tensor.backend;

import dev.jacquard.tensor.DeviceException;
import java.util.List;
import java.util.Optional;

/** Finds out whether a backend works here, and opens it. Found by {@link java.util.ServiceLoader}. */
public interface BackendProvider {
    /** Name as in {@code --device}. */
    String name();

    /** Larger is preferred by {@code auto}. */
    int rank();

    /** Whether {@code auto} may take it: not what only serves tests. */
    default boolean automatic() {
        return true;
    }

    /** What was looked for on this machine, where, and what was found: lines for {@code doctor}. By default nothing to tell. */
    default List<String> report() {
        return List.of();
    }

    /** Empty if the backend works on this machine; else the reason why not, and what to do. Cheap, and without side effects. */
    Optional<String> unavailable();

    /** Opens the backend. @param threads worker threads for backends that run on the host; 0 for as many as there are processors */
    Backend open(int threads);

    /**
     * Opens the backend with more to be said about it. By default only the number of threads is heard.
     *
     * @param options those that do not concern the backend are passed over
     * @param index of one of several devices, as in {@code name:index}; -1 where none was given
     * @throws DeviceException if there is no such device; by default for all but 0
     */
    default Backend open(BackendOptions options, int index) {
        requireOnly(index);
        return open(options.threads());
    }

    /** For providers of one device. @param index as {@link #open(BackendOptions, int)} takes it @throws DeviceException if it is another than 0 */
    default void requireOnly(int index) {
        if (index > 0) {
            throw new DeviceException("device", "no such device", name() + ":" + index, name() + " or " + name() + ":0", "there is one only");
        }
    }
}
