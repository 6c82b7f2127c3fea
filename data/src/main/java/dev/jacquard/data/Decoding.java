package dev.jacquard.data;

/** Whether a decoder may leave out what a picture is resized away from. */
public enum Decoding {
    /** Every pixel that is read is as in a whole decode; only parts of the image that are not read are left out. The same pictures as always. */
    EXACT,
    /**
     * A JPEG that is resized to less than a quarter is decoded at half its size, to less than an eighth at a quarter, and so on, by the
     * inverse cosine transform, where libjpeg-turbo is: a tenth quicker on pictures of ImageNet's size, much quicker on large ones. On PhotosTest's photographs it
     * is within 0.6 levels of {@link #EXACT} in the mean, 3 in the mean of the worst one; without the library it is {@link #EXACT}.
     */
    REDUCED
}
