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
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the fastest of several ways to compute the same, on the device and on the operands that it is for. One that fails, or whose results differ from those of our first kernel,
 * cannot win; each such fault is logged once per candidate's name.
 */
final class Tuner {
    /** A candidate so many times slower than the best is not measured closely. */
    private static final double HOPELESS = 2;

    private static final Logger LOG = LoggerFactory.getLogger(Tuner.class);

    private final Device device;
    private final TrialValues values = new TrialValues();
    private final Set<String> told = new HashSet<>();

    /**
     * What came of a candidate. @param problem why it cannot be used; null if it can @param us its time in microseconds, roughly if others are much faster; NaN if it cannot be
     * used
     */
    record Verdict(Candidate candidate, String problem, double us) {
        private static Verdict unfit(Candidate c, String problem) {
            return new Verdict(c, problem, Double.NaN);
        }

        boolean fit() {
            return problem == null;
        }
    }

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
    Verdict fastest(String what, List<Candidate> candidates, Call call, Agreement agreement) {
        List<Verdict> all = judge(what, candidates, call, agreement);
        for (Verdict v : all) {
            if (!v.fit() && told.add(v.candidate.name())) {
                LOG.warn("{}: {} is not used: {}; said once of this kernel", what, v.candidate.name(), v.problem);
            }
        }
        LOG.debug("{}: {}", what, all.stream().filter(Verdict::fit).map(v -> String.format(Locale.ROOT, "%s %.1f us", v.candidate.name(), v.us)).collect(Collectors.joining(", ")));
        return all.stream().filter(Verdict::fit).min(Comparator.comparingDouble(Verdict::us)).orElseThrow(() -> new EngineBugException(what, "no kernel works",
                all.stream().map(v -> v.candidate.name() + ": " + v.problem).collect(Collectors.joining("; ")), "one that works",
                "report this with the output of ./jacquard doctor"));
    }

    /** Tries and times all candidates, ours first, in the order in which others are measured by them. @throws JacquardException if the device is lost */
    List<Verdict> judge(String what, List<Candidate> candidates, Call call, Agreement agreement) {
        List<Candidate> turns = new ArrayList<>(candidates);
        turns.sort(Comparator.comparing(c -> !c.own())); // stable
        List<Verdict> verdicts = new ArrayList<>();
        try (TrialMemory memory = new TrialMemory(device, call, values); LaunchTimer timer = new LaunchTimer(device)) {
            List<double[]> want = null;
            double best = Double.POSITIVE_INFINITY;
            for (Candidate c : turns) {
                Verdict v;
                try {
                    CudaLaunch launch = tried(c, call, memory);
                    List<double[]> got = memory.results();
                    String difference = want == null ? null : difference(call, want, got, agreement);
                    v = difference != null ? Verdict.unfit(c, difference) : new Verdict(c, null, timer.us(launch, HOPELESS * best));
                    want = want == null ? got : want;
                    best = v.fit() ? Math.min(best, v.us) : best;
                } catch (DriverException | JacquardException e) {
                    v = failed(c, e);
                } catch (RuntimeException e) {
                    if (c.own()) {
                        throw e; // a fault of ours is not to go unseen
                    }
                    v = Verdict.unfit(c, "it failed: " + e); // that of a library's binding costs the library
                }
                verdicts.add(v);
            }
            return verdicts;
        } catch (DriverException e) {
            throw device.translated(what, e);
        }
    }

    /** Binds and runs a candidate once. */
    private CudaLaunch tried(Candidate c, Call call, TrialMemory memory) {
        memory.prepare();
        CudaLaunch launch = c.bind(call);
        launch.enqueue(device.stream());
        device.driver().synchronize(device.stream());
        return launch;
    }

    private static Verdict failed(Candidate c, RuntimeException e) {
        if (DriverException.isSticky(e)) {
            throw e; // the context is lost: nothing else will work either
        }
        return Verdict.unfit(c, "it failed: " + e.getMessage());
    }

    private static String difference(Call call, List<double[]> want, List<double[]> got, Agreement agreement) {
        for (int o = 0; o < want.size(); o++) {
            int at = agreement.difference(call.out().get(o).dtype(), want.get(o), got.get(o));
            if (at >= 0) {
                return "its results are wrong: got " + got.get(o)[at] + " in the place of " + want.get(o)[at];
            }
        }
        return null;
    }
}
