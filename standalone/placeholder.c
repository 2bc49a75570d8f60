/* Keeps the archive from being empty until the ring has files. */
extern const char ring_standalone[];
const char ring_standalone[] = "standalone";
