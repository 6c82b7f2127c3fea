package dev.jacquard.cpu;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the incubating module of the Vector API. The documented way to have it is {@code --add-modules=jdk.incubator.vector}, at the price of a line on standard error at every
 * start. A JVM that was started with the flags of {@code ./jacquard} instead has it loaded here, when the first kernel is needed, and says nothing (ADR 0008).
 */
final class VectorModule {
    private static final Logger LOG = LoggerFactory.getLogger(VectorModule.class);
    private static final String NAME = "jdk.incubator.vector";

    private VectorModule() {}

    /** Whether the Vector API is there, and fast, after this call. */
    static boolean load() {
        if (ModuleLayer.boot().findModule(NAME).isPresent()) {
            return true;
        }
        // A module that comes after the start is only worth having if the JVM compiles its vectors to vectors.
        if (!compiled()) {
            return false;
        }
        try {
            Class.forName("jdk.internal.module.Modules").getMethod("loadModule", String.class).invoke(null, NAME);
            Class.forName(NAME + ".FloatVector");
            return true;
        } catch (ReflectiveOperationException | RuntimeException e) {
            LOG.debug("{} could not be loaded after the start: {}", NAME, e.toString());
            return false;
        }
    }

    private static boolean compiled() {
        try {
            return Boolean.parseBoolean(ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class).getVMOption("EnableVectorSupport").getValue());
        } catch (RuntimeException e) {
            return false; // another JVM, or one that does not know the flag
        }
    }
}
