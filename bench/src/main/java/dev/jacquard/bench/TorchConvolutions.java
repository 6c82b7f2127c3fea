package dev.jacquard.bench;

import dev.jacquard.bench.ConvTrial.Pass;
import dev.jacquard.bench.peers.Contender;
import dev.jacquard.bench.peers.Peer;
import dev.jacquard.cli.AskedProcess;
import dev.jacquard.tensor.op.Window;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The same convolutions in LibTorch, channels-last, by a process that a script in Python is ({@code conv_worker.py}). */
final class TorchConvolutions implements AutoCloseable {
    private final Peer peer;
    private final String versions;

    /** Starts it. @throws AskedProcess.Refused if that Python has no torch */
    TorchConvolutions(String python, int threads, Path script, Path logs) throws IOException, AskedProcess.Refused {
        peer = new Peer(Contender.tuned("torch-nhwc-tuned", List.of(python, script.toString(), Integer.toString(threads))), logs);
        boolean done = false;
        try {
            versions = peer.versions();
            done = true;
        } finally {
            if (!done) {
                peer.close();
            }
        }
    }

    /** Name and version. */
    String versions() {
        return versions;
    }

    /** Makes operands, and runs all passes once. @return whether LibTorch has such a convolution: its padding is the same on both sides */
    boolean prepare(int id, ConvCase c) throws AskedProcess.Refused {
        Window v = c.window();
        if (v.top() != v.bottom() || v.left() != v.right()) {
            return false;
        }
        int[] all = {id, c.n(), c.h(), c.w(), c.c(), c.k(), c.r(), c.s(), v.strideH(), v.strideW(), v.top(), v.left(), v.dilationH(), v.dilationW(), c.groups()};
        peer.ask("prepare " + Arrays.stream(all).mapToObj(Integer::toString).collect(Collectors.joining(" ")));
        return true;
    }

    /** Milliseconds of each call, of as many as fit into the time, but one at least. A forward pass is the convolution alone: LibTorch has no other. */
    double[] time(int id, Pass pass, double seconds) throws AskedProcess.Refused {
        String what = pass == Pass.PLAIN ? "forward" : pass.name().toLowerCase(Locale.ROOT);
        return Arrays.stream(peer.ask(String.format(Locale.ROOT, "time %d %s %.4f", id, what, seconds)).split(" ")).mapToDouble(Double::parseDouble).toArray();
    }

    double cpuSeconds() {
        return peer.cpuSeconds();
    }

    @Override
    public void close() {
        peer.close();
    }
}
