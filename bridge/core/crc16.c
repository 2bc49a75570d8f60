#include "bridge/core/crc16.h"

#include <stdint.h>

static const uint16_t crc_of_nibble[16] = {0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5,
                                           0x60c6, 0x70e7, 0x8108, 0x9129, 0xa14a, 0xb16b,
                                           0xc18c, 0xd1ad, 0xe1ce, 0xf1ef};

unsigned crc16(struct view data)
{
    unsigned crc = 0;

    for (size_t i = 0; i < data.n; i++) {
        unsigned byte = (unsigned char)data.p[i];

        crc = (crc << 4 & 0xFFFFu) ^ crc_of_nibble[(crc >> 12 ^ byte >> 4) & 15];
        crc = (crc << 4 & 0xFFFFu) ^ crc_of_nibble[(crc >> 12 ^ byte) & 15];
    }
    return crc;
}
