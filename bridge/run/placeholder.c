/* Keeps the archive from being empty until the ring has files. */
extern const char ring_run[];
const char ring_run[] = "run";
