package dev.jacquard.data;

/** Decodes JPEGs by a library of the system, to the pixels that Pillow has. Not thread-safe. */
sealed interface JpegCodec extends AutoCloseable permits LibJpegCodec, TurboJpegCodec {
    /**
     * Decodes a part of a JPEG, or more than that: what the picture then covers has what is wanted, reduced by as much as is wanted or less.
     *
     * @param data   holds the file's bytes
     * @param length how many
     * @param header of the file: complete, within the limits, Huffman-coded, gray or three components of 8 bits
     * @param sound  whether all of the file is known to be good; if not, all of it is looked at, whatever part is wanted
     * @return false if the file is damaged or odd: another decoder has to look at it. The picture is undefined then
     */
    boolean decode(byte[] data, int length, JpegHeader header, Wanted wanted, boolean sound, Picture out);

    /** Frees its native memory. */
    @Override
    void close();
}
