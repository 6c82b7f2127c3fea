package dev.jacquard.kernels;

import dev.jacquard.kernels.catalog.Catalog;
import dev.jacquard.tensor.EngineBugException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/**
 * The committed text of a module, kernels/ptx/&lt;name&gt;.ptx.
 *
 * @param name of the module: of its .cu file
 * @param bytes the text
 */
record PtxText(String name, byte[] bytes) {
    private static final Pattern ENTRY = Pattern.compile("\\.entry\\s+(\\w+)\\s*\\(([^)]*)\\)");
    private static final Pattern PARAMETER = Pattern.compile("\\.param\\s+(?:\\.align\\s+\\d+\\s+)?\\.([a-z])(\\d+)\\s+(?:\\.ptr[^,]*?)?\\w+(?:\\[(\\d+)])?");

    /** Reads a module from the class path. */
    static PtxText load(String name) {
        try (InputStream in = PtxText.class.getResourceAsStream("ptx/" + name + ".ptx")) {
            if (in == null) {
                throw new EngineBugException("module " + name, "no such PTX in the jar", name + ".ptx", "one made by kernels/build", "run kernels/build " + name);
            }
            return new PtxText(name, in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A number that is another one when any kernel's text is: eight hexadecimal digits. */
    static String fingerprint() {
        CRC32 hash = new CRC32();
        Catalog.modules().forEach(m -> hash.update(load(m).bytes));
        return String.format("%08x", hash.getValue());
    }

    /** Each kernel's parameter sizes in bytes. */
    Map<String, List<Integer>> entries() {
        Map<String, List<Integer>> all = new LinkedHashMap<>();
        Matcher entry = ENTRY.matcher(new String(bytes, StandardCharsets.ISO_8859_1));
        while (entry.find()) {
            List<Integer> sizes = new ArrayList<>();
            Matcher p = PARAMETER.matcher(entry.group(2));
            while (p.find()) {
                int each = Integer.parseInt(p.group(2)) / 8;
                sizes.add(p.group(3) == null ? each : each * Integer.parseInt(p.group(3)));
            }
            all.put(entry.group(1), List.copyOf(sizes));
        }
        return all;
    }
}
