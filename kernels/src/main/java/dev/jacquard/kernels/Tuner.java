package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.tensor.EngineBugException;
import dev.jacquard.tensor.JacquardException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the fastest of several ways to compute the same, on the device and on the operands that it is for. One that fails, or whose results differ from those of our first kernel, cannot win; each such
 * fault is logged once per candidate's name.
 */
final class Tuner {
    /** A candidate so many times slower than the best is not measured closely. */
    private static final double HOPELESS = 2;

    private static final Logger LOG = LoggerFactory.getLogger(Tuner.class);

    private final Device device;
    private final Set<String> told = new HashSet<>();

    /** The winner. @param us its time in microseconds */
    record Result(Candidate candidate, double us) {}

    Tuner(Device device) {
        this.device = device;
    }

    /**
     * The fastest candidate. Operands' memory is as it was afterwards.
     *
     * @param what op and operands, for messages
     * @param candidates the best by rule first
     * @param call scratch is as large as the largest of them needs
     * @throws EngineBugException if none works
     * @throws JacquardException if the device is lost
     */
    Result fastest(String what, List<Candidate> candidates, Call call, Agreement agreement) {
        List<Candidate> turns = new ArrayList<>(candidates);
        turns.sort(Comparator.comparing(c -> !c.own())); // stable: what others are measured by comes first
        try (TrialMemory memory = new TrialMemory(device, call); LaunchTimer timer = new LaunchTimer(device)) {
            List<double[]> want = null;
            Result best = null;
            for (Candidate c : turns) {
                CudaLaunch launch = tried(what, c, call, memory);
                if (launch == null || want != null && differs(what, c, call, want, memory.results(), agreement)) {
                    continue;
                }
                want = want == null ? memory.results() : want;
                double us = timer.us(launch, best == null ? Double.POSITIVE_INFINITY : HOPELESS * best.us);
                LOG.debug("{}: {} takes {} us", what, c.name(), us);
                best = best == null || us < best.us ? new Result(c, us) : best;
            }
            if (best == null) {
                throw new EngineBugException(what, "no kernel works", "a failure of each of " + candidates.stream().map(Candidate::name).toList(), "one that works", "the log says what each failed with; report this");
            }
            LOG.info("{}: {}, {} us", what, best.candidate.name(), String.format(Locale.ROOT, "%.1f", best.us));
            return best;
        } catch (DriverException e) {
            throw device.translated(what, e);
        }
    }

    /** Binds and runs a candidate once. @return null if it fails */
    private CudaLaunch tried(String what, Candidate c, Call call, TrialMemory memory) {
        memory.prepare();
        try {
            CudaLaunch launch = c.bind(call);
            launch.enqueue(device.stream());
            device.driver().synchronize(device.stream());
            return launch;
        } catch (DriverException e) {
            return failed(what, c, e, e);
        } catch (JacquardException e) {
            return failed(what, c, e, e.getCause());
        }
    }

    private CudaLaunch failed(String what, Candidate c, RuntimeException e, Throwable cause) {
        if (cause instanceof DriverException d && d.kind().sticky()) {
            throw e; // the context is lost: nothing else will work either
        }
        tell(c, "{}: {} is not used: it failed: {}", what, c.name(), e.getMessage());
        return null;
    }

    private boolean differs(String what, Candidate c, Call call, List<double[]> want, List<double[]> got, Agreement agreement) {
        for (int o = 0; o < want.size(); o++) {
            int at = agreement.difference(call.out().get(o).dtype(), want.get(o), got.get(o));
            if (at >= 0) {
                tell(c, "{}: {} is not used: its results are wrong: got {} in the place of {}", what, c.name(), got.get(o)[at], want.get(o)[at]);
                return true;
            }
        }
        return false;
    }

    private void tell(Candidate c, String message, Object... values) {
        if (told.add(c.name() + message)) {
            LOG.warn(message, values);
        }
    }
}
