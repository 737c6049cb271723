// What the page takes on.

/** Rows of one table. */
export const LARGEST_ROWS = 0xffff_ffff;

/**
 * Bytes of bit planes held at a time. Tables that take more are encoded some planes at a time, by reading
 * the file again, so that a tab stays below 512 MiB whatever the file is.
 */
export const PLANES_AT_ONCE = 192 << 20;

/** Bytes of rejected rows that are kept for download; what comes after is counted only. */
export const REJECTS_KEPT = 16 << 20;
