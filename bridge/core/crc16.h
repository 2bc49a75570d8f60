/*
 * crc16: CRC-16/XMODEM, by which Redis Cluster spreads keys over its slots.
 */
#ifndef BRIDGE_CORE_CRC16_H
#define BRIDGE_CORE_CRC16_H

#include "bridge/core/view.h"

unsigned crc16(struct view data);

#endif
