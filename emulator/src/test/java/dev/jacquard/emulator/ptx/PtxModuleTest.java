package dev.jacquard.emulator.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** PTX text as a model. */
class PtxModuleTest {
    private static final String HEAD = ".version 8.0\n.target sm_75\n.address_size 64\n";

    private static PtxModule module(String text) {
        return new PtxModule("m", HEAD + text);
    }

    private static Body body(String text) {
        return module(".visible .entry k(.param .u64 a, .param .align 8 .b8 s[24]) .maxntid 8, 4, 2 {\n" + text + "\n}").functions().get("k").body();
    }

    @Test
    void declarations() {
        PtxModule m = module("""
                .const .align 4 .b8 table[8] = {1, 2, 0x10, 255};
                .global .u64 pointers[2] = {table, generic(table)+4};
                .extern .shared .align 16 .b8 open[];
                .global .f32 one = 0f3F800000;
                // a comment
                .func (.param .b32 r) helper(.param .b32 x) { ret; }
                .extern .func nobody(.param .b32 x);
                .visible .entry k(.param .u64 .ptr .global a, .param .align 8 .b8 s[24]) .maxntid 8, 4, 2 { ret; }
                .section .debug_str { .b8 1, 2 }
                """);
        assertEquals("sm_75", m.target());
        assertEquals(List.of("table", "pointers", "open", "one"), List.copyOf(m.variables().keySet()));
        assertEquals(8, m.variables().get("table").bytes());
        assertEquals(new Variable.Initial(4, "table"), m.variables().get("pointers").initial().get(1));
        assertTrue(m.variables().get("open").open());
        assertEquals(0x3f800000, m.variables().get("one").initial().getFirst().bits());
        PtxFunction k = m.functions().get("k");
        assertTrue(k.entry());
        assertEquals(64, k.maxThreads());
        assertEquals(24, k.parameters().get(1).bytes());
        assertFalse(m.functions().get("helper").entry());
        assertTrue(m.functions().get("nobody").declaredOnly());
    }

    @Test
    void operandsPrintAsTheyWereWritten() {
        Body b = body("""
                .reg .pred %p<3>; .reg .b32 %r<9>; .reg .b64 %rd<3>; .reg .f32 %f<3>;
                ld.param.u64 %rd1, [a];
                ld.param.u32 %r1, [s+4];
                @!%p1 ld.global.nc.v4.u32 {%r1, %r2, _, %r4}, [%rd1+-16];
                shfl.sync.bfly.b32 %r5|%p2, %r1, 16, 31, -1;
                add.f32 %f1, %f2, 0f3F800000;
                setp.lt.and.s32 %p1, %r1, -5, !%p2;
                mov.u32 %r1, %tid.x;
                """);
        assertEquals(List.of("ld.param.u64 %rd1, [a]", "ld.param.u32 %r1, [s+4]", "@!%p1 ld.global.nc.v4.u32 {%r1, %r2, _, %r4}, [%rd1+-16]",
                "shfl.sync.bfly.b32 %r5|%p2, %r1, 16, 31, -1", "add.f32 %f1, %f2, 0f3F800000", "setp.lt.and.s32 %p1, %r1, -5, !%p2", "mov.u32 %r1, %tid.x"),
                b.instructions().stream().map(Object::toString).toList());
        assertEquals(6, b.instructions().getFirst().line());
        assertEquals(PtxType.U32, b.instructions().get(2).type());
    }

    @Test
    void scopesReuseNames() {
        Body b = body("""
                .reg .b32 %r<3>;
                { .reg .b64 %r; .param .b32 p; mov.b64 %r, 1; }
                { .reg .b32 %r; .param .b32 p; mov.b32 %r, 1; }
                """);
        List<Register> written = b.instructions().stream().map(i -> ((Operand.Reg) i.operands().getFirst()).register()).toList();
        assertEquals(List.of(PtxType.B64, PtxType.B32), written.stream().map(Register::type).toList());
        assertEquals(2, b.variables().size());
    }

    @Test
    void labelsTablesAndLocations() {
        PtxModule m = module("""
                .visible .entry k() {
                .reg .b32 %r<3>;
                .loc 1 12 3
                mov.b32 %r1, 1;
                again:
                .loc 2 30 1, function_name $L__info0, inlined_at 1 14 5
                mov.b32 %r2, 1;
                .loc 1 0 0
                bra again;
                table: .branchtargets again, end;
                brx.idx %r1, table;
                end:
                ret;
                }
                .file 1 "a/b/silu.cu"
                .file 2 "common.cuh", 123, 456
                """);
        Body b = m.functions().get("k").body();
        assertEquals(1, b.labels().get("again"));
        assertEquals(4, b.labels().get("end"));
        assertEquals(List.of("again", "end"), b.tables().get("table"));
        assertEquals("silu.cu:12", b.instructions().get(0).location().toString());
        assertEquals("common.cuh:30 inlined at silu.cu:14", b.instructions().get(1).location().toString());
        assertEquals("common.cuh:30 inlined at silu.cu:14", b.instructions().get(2).location().toString(), "line 0 says nothing");
        assertNull(b.instructions().get(0).guard());
    }

    @Test
    void errorsNameTheLine() {
        assertEquals("PTX line 1: a module starts with .version", assertThrows(PtxException.class, () -> new PtxModule("m", "x")).getMessage());
        assertEquals("PTX line 4: unexpected .nonsense at module level", assertThrows(PtxException.class, () -> module(".nonsense")).getMessage());
        assertEquals("PTX line 5: unknown guard %p1", assertThrows(PtxException.class, () -> body("@%p1 ret;")).getMessage());
        assertEquals("PTX line 5: expected , but found %r2", assertThrows(PtxException.class, () -> body(".reg .b32 %r<3>; mov.b32 %r1 %r2;")).getMessage());
        assertTrue(assertThrows(PtxException.class, () -> body("mov.b32 %r1, 0xzz;")).getMessage().startsWith("PTX line 5: not a number: 0xzz"));
        assertTrue(assertThrows(PtxException.class, () -> module(".visible .entry k() {")).getMessage().contains("unexpected end"));
    }
}
