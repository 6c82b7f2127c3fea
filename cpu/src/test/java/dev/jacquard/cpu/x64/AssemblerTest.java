package dev.jacquard.cpu.x64;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.cpu.x64.AssemblerRows.Row;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every instruction, byte for byte, against what the GNU assembler makes of the same text: {@code assembler.txt}, remade by {@code -Dupdate} where {@code as} and {@code objcopy} are installed. */
class AssemblerTest {
    private static final Path FILE = Path.of("src/test/resources/dev/jacquard/cpu/x64/assembler.txt");

    @TempDir
    Path folder;

    @Test
    void bytesAreThoseOfTheGnuAssembler() throws IOException, InterruptedException {
        List<Row> rows = AssemblerRows.all();
        if (System.getProperty("update") != null) {
            update(rows);
        }
        Map<String, String> expected = expected();
        List<String> wrong = new ArrayList<>();
        for (Row row : rows) {
            Assembler a = new Assembler();
            row.code().accept(a);
            String got = HexFormat.of().formatHex(a.bytes());
            if (!got.equals(expected.get(row.text()))) {
                wrong.add(row.text() + ": got " + got + ", expected " + expected.get(row.text()));
            }
        }
        assertEquals(List.of(), wrong);
        assertTrue(rows.size() > 400, "rows: " + rows.size());
    }

    /** A method without a row would be a method without a test. */
    @Test
    void everyInstructionHasARow() {
        Set<String> mnemonics = AssemblerRows.all().stream().map(r -> r.text().split("[ ]")[0]).collect(Collectors.toCollection(TreeSet::new));
        Set<String> structure = Set.of("repMovsd", "repStosd", "enter", "leave", "here", "bind", "align", "argument", "kmov", "j", "jmp", "prefetchw", "mov32", "movzxByte", "sfence", "constant", "cmov", "movzxWord", "mov16", "mov8");
        List<String> missing = new ArrayList<>();
        for (Class<?> c : List.of(Assembler.class, VectorAssembler.class)) {
            Arrays.stream(c.getDeclaredMethods()).filter(m -> !java.lang.reflect.Modifier.isPrivate(m.getModifiers()) && !m.isSynthetic()).map(m -> m.getName())
                    .filter(n -> !structure.contains(n) && mnemonics.stream().noneMatch(m -> m.equals(n) || (m + "32").equals(n) || m.startsWith("vmovdqu") && n.equals("vmovdqu")))
                    .forEach(missing::add);
        }
        assertEquals(List.of(), missing.stream().distinct().sorted().toList());
    }

    @Test
    void jumpsReachTheirLabels() {
        Assembler a = new Assembler();
        Label end = new Label();
        Label back = a.here();
        a.j(Assembler.Condition.E, end);
        a.jmp(back);
        a.bind(end);
        a.ret();
        assertEquals("0f8402000000" + "ebf8" + "c3", HexFormat.of().formatHex(a.bytes()));
    }

    @Test
    void aFarJumpBackIsLong() {
        Assembler a = new Assembler();
        Label back = a.here();
        for (int i = 0; i < 200; i++) {
            a.ret();
        }
        a.j(Assembler.Condition.NE, back);
        byte[] code = a.bytes();
        assertEquals(206, code.length);
        assertEquals(-206, ByteBuffer.wrap(code, 202, 4).order(ByteOrder.LITTLE_ENDIAN).getInt());
    }

    private Map<String, String> expected() throws IOException {
        try (InputStream in = AssemblerTest.class.getResourceAsStream("assembler.txt")) {
            Map<String, String> all = new LinkedHashMap<>();
            String text = System.getProperty("update") == null ? new String(in.readAllBytes(), StandardCharsets.UTF_8) : Files.readString(FILE);
            text.lines().map(l -> l.split(" = ")).forEach(l -> all.put(l[0], l[1]));
            return all;
        }
    }

    /** Assembles all texts in one go, each with its length before it. */
    private void update(List<Row> rows) throws IOException, InterruptedException {
        StringBuilder source = new StringBuilder(".intel_syntax noprefix\n");
        rows.forEach(r -> source.append(".long 2f-1f\n1: ").append(r.text().startsWith("vpdpbusd ymm") ? "{vex} " : "").append(r.text()).append("\n2:\n"));
        Path s = Files.writeString(folder.resolve("rows.s"), source);
        run("as", "-o", "rows.o", s.toString());
        run("objcopy", "-O", "binary", "-j", ".text", "rows.o", "rows.bin");
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(folder.resolve("rows.bin"))).order(ByteOrder.LITTLE_ENDIAN);
        StringBuilder out = new StringBuilder();
        for (Row r : rows) {
            byte[] code = new byte[bytes.getInt()];
            bytes.get(code);
            out.append(r.text()).append(" = ").append(HexFormat.of().formatHex(code)).append('\n');
        }
        Files.createDirectories(FILE.getParent());
        Files.writeString(FILE, out);
    }

    private void run(String... command) throws IOException, InterruptedException {
        Process p = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
        String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, p.waitFor(), said);
    }
}
