package dev.jacquard.cpu.x64;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.cpu.x64.AssemblerRows.Row;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.MethodRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.invoke.MethodType;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every instruction, byte for byte, against what the GNU assembler makes of the same text: {@code assembler.txt}, remade by {@code -Dupdate} where {@code as} and {@code objcopy}
 * are installed.
 */
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

    /** An instruction without a row would be one without a test: each method of the two classes of instructions is called by {@link AssemblerRows}, as its class file says. */
    @Test
    void everyInstructionHasARow() throws IOException {
        Set<String> called = new TreeSet<>();
        try (InputStream in = AssemblerRows.class.getResourceAsStream("AssemblerRows.class")) {
            for (PoolEntry e : ClassFile.of().parse(in.readAllBytes()).constantPool()) {
                if (e instanceof MethodRefEntry m) {
                    called.add(m.name().stringValue() + m.type().stringValue());
                }
            }
        }
        Set<String> instructions = Stream.of(VectorAssembler.class, IntegerAssembler.class).flatMap(c -> Stream.of(c.getDeclaredMethods()))
                .filter(m -> !Modifier.isPrivate(m.getModifiers()))
                .map(m -> m.getName() + MethodType.methodType(m.getReturnType(), m.getParameterTypes()).toMethodDescriptorString()).collect(Collectors.toCollection(TreeSet::new));
        assertTrue(instructions.size() > 80, "instructions: " + instructions.size());
        instructions.removeAll(called);
        assertEquals(Set.of(), instructions);
    }

    @Test
    void jumpsReachTheirLabels() {
        Assembler a = new Assembler();
        Label end = new Label();
        Label back = a.here();
        a.j(Condition.E, end);
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
        a.j(Condition.NE, back);
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
