/** Origin's answers hold keys, leases and states of the moment. */

/** Headers of an answer that no cache may keep. */
export const NO_STORE = { "cache-control": "no-store" };
