package dev.jacquard.tck.reference;

import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.tensor.backend.BackendProvider;
import java.util.Optional;

/** Offers the reference backend by name; {@code auto} takes anything else first. */
public final class ReferenceProvider implements BackendProvider {
    /** For the service loader. */
    public ReferenceProvider() {}

    @Override
    public String name() {
        return ReferenceBackend.NAME;
    }

    @Override
    public int rank() {
        return Integer.MIN_VALUE;
    }

    /** It serves tests: nobody wants it by accident. */
    @Override
    public boolean automatic() {
        return false;
    }

    @Override
    public Optional<String> unavailable() {
        return Optional.empty();
    }

    @Override
    public Backend open(int threads) {
        return new ReferenceBackend();
    }

    @Override
    public Backend open(BackendOptions options, int index) {
        requireOnly(index);
        return new ReferenceBackend(options.tf32() == BackendOptions.Tf32.EMULATE);
    }
}
