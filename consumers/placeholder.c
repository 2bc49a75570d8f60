/* Keeps the archive from being empty until the ring has files. */
extern const char ring_consumers[];
const char ring_consumers[] = "consumers";
