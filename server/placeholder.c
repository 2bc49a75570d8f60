/* Keeps the archive from being empty until the ring has files. */
extern const char ring_server[];
const char ring_server[] = "server";
