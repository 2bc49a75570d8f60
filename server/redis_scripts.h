/*
 * redis_scripts: the texts under server/redis/, embedded by cmake/Scripts.cmake. Without the first
 * line: whoever uses one puts "#!lua" and its flags in front.
 */
#ifndef SERVER_REDIS_SCRIPTS_H
#define SERVER_REDIS_SCRIPTS_H

extern const char redis_script_effect[];  /* effect.c */
extern const char redis_script_consent[]; /* consents.c */
extern const char redis_script_purge[];   /* purge.c */

#endif
