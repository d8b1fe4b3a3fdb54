/*
 * firewall.h - the header firewall: which fields a session may carry.
 *
 * Exchange's header firewall (Accept-Headers-* rights), with the fields of our
 * own stamp, which nobody may bring, and the connector's protected_headers. One
 * table says what is kept by which right. Pure; any thread.
 */
#ifndef FIREWALL_H
#define FIREWALL_H

#include "rules.h"

/*
 * How many fields of one message are deleted at most, and how many From fields
 * and bytes of them are kept, and how many signs of an address (@, %, !) they
 * may have; beyond that the message is refused by rule max_header_size.
 */
#define FIREWALL_FIELDS_MAX 1000
#define FIREWALL_FROM_FIELDS_MAX 16
#define FIREWALL_FROM_SIGNS_MAX 256
#define FIREWALL_FROM_BYTES_MAX 16384

/* Of a field's name, without the blanks that may stand before its colon. */
size_t firewall_name_length(const char *name);

/*
 * Has the field called name to go? Names compare without ASCII case and
 * without blanks at their end. What a right would keep goes unless it is held
 * for certain.
 */
bool firewall_strips(const struct judged *judged, const char *name);

#endif
