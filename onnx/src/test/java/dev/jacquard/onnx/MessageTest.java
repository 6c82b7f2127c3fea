package dev.jacquard.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Bytes as the format's description has them. */
class MessageTest {
    private static String hex(Message m) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        m.writeTo(out);
        assertEquals(m.size(), out.size());
        return HexFormat.of().formatHex(out.toByteArray());
    }

    @Test
    void numbers() throws IOException {
        assertEquals("089601", hex(new Message().number(1, 150))); // the description's own example
        assertEquals("0800", hex(new Message().number(1, 0)));
        assertEquals("a00107", hex(new Message().number(20, 7))); // a tag of two bytes
        assertEquals("08ffffffffffffffffff01", hex(new Message().number(1, -1)));
    }

    @Test
    void reals() throws IOException {
        assertEquals("150000803f", hex(new Message().real(2, 1)));
    }

    @Test
    void texts() throws IOException {
        assertEquals("120774657374696e67", hex(new Message().text(2, "testing")));
        assertEquals("1200", hex(new Message().text(2, "")));
        assertEquals("1202c3a4", hex(new Message().text(2, "\u00e4")));
    }

    @Test
    void messages() throws IOException {
        Message inner = new Message().number(1, 150);
        assertEquals("1a03089601", hex(new Message().message(3, inner)));
        assertEquals("08011a030896010802", hex(new Message().number(1, 1).message(3, inner).number(1, 2)));
        assertEquals("1a00", hex(new Message().message(3, new Message())));
    }

    @Test
    void longLengths() throws IOException {
        String hex = hex(new Message().bytes(9, new byte[300]));
        assertEquals("4aac02" + "00".repeat(300), hex);
    }
}
