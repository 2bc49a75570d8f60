/* Keeps the archive from being empty until the ring has files. */
extern const char ring_producers[];
const char ring_producers[] = "producers";
