#include "bridge/core/sightings.h"

#include "bridge/core/siphash.h"

static struct sighting *place_of(struct sightings *s, uint64_t hash, int64_t now_ms)
{
    struct sighting *place = s->count < SIGHTINGS_NAMES ? &s->names[s->count] : NULL;

    for (size_t i = 0; i < s->count; i++) {
        if (s->names[i].hash == hash)
            return &s->names[i];
        if (place == NULL && s->names[i].tell_ms <= now_ms)
            place = &s->names[i];
    }
    if (place == NULL)
        return &s->others;
    if (place == &s->names[s->count])
        s->count++;
    else
        s->others.untold += place->untold; /* told with these: its place is another's now */
    *place = (struct sighting){.hash = hash, .tell_ms = now_ms};
    return place;
}

int64_t sightings_add(struct sightings *s, struct view name, int64_t now_ms, bool *others)
{
    /* Who looks for names that collide hides but their own: no secret is needed. */
    static const uint8_t no_secret[16] = {0};
    struct sighting *seen = place_of(s, siphash(no_secret, name), now_ms);
    int64_t count = ++seen->untold;

    *others = seen == &s->others;
    if (now_ms < seen->tell_ms)
        return 0;
    seen->untold = 0;
    seen->tell_ms = now_ms + SIGHTINGS_EVERY_MS;
    return count;
}
