/*
 * siphash: SipHash-2-4, for hash tables whose keys others choose: under a random key nobody can
 * make many that fall together.
 */
#ifndef BRIDGE_CORE_SIPHASH_H
#define BRIDGE_CORE_SIPHASH_H

#include "bridge/core/view.h"

#include <stdint.h>

uint64_t siphash(const uint8_t key[16], struct view data);

#endif
