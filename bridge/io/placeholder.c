/* Keeps the archive from being empty until the ring has files. */
extern const char ring_io[];
const char ring_io[] = "io";
