package dev.jacquard.data;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.jacquard.tensor.backend.CodeMemory;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.HexFormat;
import java.util.List;

/**
 * Calls of libjpeg's functions that may end by an error. libjpeg reports one by calling {@code error_exit}, which must not return: C programs leave it by {@code longjmp}. No
 * Java method can, so this is machine code, for x86-64 with the System V calling convention: {@link #call} notes the registers that a callee has to keep and calls the
 * function; {@code error_exit} takes them back, and with them the place that {@code call} returns to. In between lie frames of libjpeg alone, none of the JVM's.
 *
 * <p>A warning ends a call in the same way, and so does the scan after the five hundredth. Nothing is printed.
 */
@SuppressWarnings("restricted") // downcalls: whoever loads a library has been allowed to
final class ErrorExit {
    /** Bytes for the registers that {@link #call} notes, and behind them what the function returned. */
    static final long REGISTERS = 72;

    private static final long RESULT = 64;

    /**
     * An instruction, or a label, for {@code as}, and its bytes. {@code cinfo}, the first argument of all of libjpeg's functions, has the registers as its {@code client_data}, at
     * 24.
     */
    record Line(String text, String bytes) {}

    private static final String ENTER = "enter:"; // (registers, function, argument, argument, argument)
    private static final String OUTPUT_MESSAGE = "output_message:";
    private static final String PROGRESS_MONITOR = "progress_monitor:"; // (cinfo); 172 is input_scan_number
    private static final String EMIT_MESSAGE = "emit_message:"; // (cinfo, level); a warning has a negative level
    private static final String ERROR_EXIT = "error_exit:"; // (cinfo)

    /** Checked against {@code as} by ErrorExitTest. */
    static final List<Line> LINES = List.of(
            new Line(ENTER, ""),
            new Line("mov %rbx, (%rdi)", "48891f"),
            new Line("mov %rbp, 8(%rdi)", "48896f08"),
            new Line("mov %r12, 16(%rdi)", "4c896710"),
            new Line("mov %r13, 24(%rdi)", "4c896f18"),
            new Line("mov %r14, 32(%rdi)", "4c897720"),
            new Line("mov %r15, 40(%rdi)", "4c897f28"),
            new Line("mov %rsp, 48(%rdi)", "48896730"), // where the return address is
            new Line("stmxcsr 56(%rdi)", "0fae5f38"),
            new Line("fnstcw 60(%rdi)", "d97f3c"),
            new Line("push %rdi", "57"), // and the stack is aligned to 16 bytes
            new Line("mov %rsi, %rax", "4889f0"),
            new Line("mov %rdx, %rdi", "4889d7"),
            new Line("mov %rcx, %rsi", "4889ce"),
            new Line("mov %r8, %rdx", "4c89c2"),
            new Line("call *%rax", "ffd0"),
            new Line("pop %rdi", "5f"),
            new Line("mov %rax, 64(%rdi)", "48894740"),
            new Line("xor %eax, %eax", "31c0"),
            new Line(OUTPUT_MESSAGE, ""),
            new Line("ret", "c3"),
            new Line(PROGRESS_MONITOR, ""),
            new Line("cmpl $500, 172(%rdi)", "81bfac000000f4010000"),
            new Line("jg error_exit", "7f06"),
            new Line("ret", "c3"),
            new Line(EMIT_MESSAGE, ""),
            new Line("test %esi, %esi", "85f6"),
            new Line("js error_exit", "7801"),
            new Line("ret", "c3"),
            new Line(ERROR_EXIT, ""),
            new Line("mov 24(%rdi), %rdi", "488b7f18"),
            new Line("mov (%rdi), %rbx", "488b1f"),
            new Line("mov 8(%rdi), %rbp", "488b6f08"),
            new Line("mov 16(%rdi), %r12", "4c8b6710"),
            new Line("mov 24(%rdi), %r13", "4c8b6f18"),
            new Line("mov 32(%rdi), %r14", "4c8b7720"),
            new Line("mov 40(%rdi), %r15", "4c8b7f28"),
            new Line("mov 48(%rdi), %rsp", "488b6730"),
            new Line("ldmxcsr 56(%rdi)", "0fae5738"),
            new Line("fldcw 60(%rdi)", "d96f3c"),
            new Line("mov $1, %eax", "b801000000"),
            new Line("ret", "c3")); // of enter

    /** Where the code is; where it cannot be, why not. */
    private static final class Code {
        static final long AT;
        static final String REFUSED;
        static final MethodHandle ENTER_HANDLE;

        static {
            long at = 0;
            String refused = null;
            try {
                at = CodeMemory.place(bytes()).address();
            } catch (CodeMemory.Refused e) {
                refused = e.getMessage();
            }
            AT = at;
            REFUSED = refused;
            ENTER_HANDLE = at == 0 ? null : Linker.nativeLinker().downcallHandle(MemorySegment.ofAddress(at),
                    FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
        }

        private Code() {}
    }

    private ErrorExit() {}

    /** Why there are no such calls here; null where there are. */
    static String refusal() {
        return Code.REFUSED;
    }

    /** Address of the {@code error_exit} that is to be put into a {@code jpeg_error_mgr}. */
    static long errorExit() {
        return Code.AT + offset(ERROR_EXIT);
    }

    /** Address of its {@code emit_message}. */
    static long emitMessage() {
        return Code.AT + offset(EMIT_MESSAGE);
    }

    /** Address of its {@code output_message}. */
    static long outputMessage() {
        return Code.AT + offset(OUTPUT_MESSAGE);
    }

    /** Address of the function of a {@code jpeg_progress_mgr}. */
    static long progressMonitor() {
        return Code.AT + offset(PROGRESS_MONITOR);
    }

    /**
     * Calls a function.
     *
     * @param registers {@link #REGISTERS} bytes, aligned to 8, that {@code cinfo->client_data} points to; one for each thread
     * @param function  its address
     * @param cinfo     the first argument, a {@code jpeg_decompress_struct} whose error manager has this class's functions
     * @return false if libjpeg found an error or something to warn of: the object may then only be destroyed
     */
    static boolean call(MemorySegment registers, long function, long cinfo, long second, long third) {
        try {
            return (int) Code.ENTER_HANDLE.invokeExact(registers.address(), function, cinfo, second, third) == 0;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** What the last function that was called with these registers returned, if that is an {@code int}. */
    static int result(MemorySegment registers) {
        return registers.get(JAVA_INT, RESULT);
    }

    /** All of the code. */
    static byte[] bytes() {
        StringBuilder all = new StringBuilder();
        LINES.forEach(l -> all.append(l.bytes()));
        return HexFormat.of().parseHex(all);
    }

    private static int offset(String label) {
        int digits = 0;
        for (Line l : LINES) {
            if (l.text().equals(label)) {
                break;
            }
            digits += l.bytes().length();
        }
        return digits / 2;
    }

    private static RuntimeException unexpected(Throwable t) {
        return switch (t) {
            case RuntimeException e -> e;
            case Error e -> throw e;
            case Throwable e -> new IllegalStateException(e);
        };
    }
}
