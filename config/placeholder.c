/* Keeps the archive from being empty until the ring has files. */
extern const char ring_config[];
const char ring_config[] = "config";
