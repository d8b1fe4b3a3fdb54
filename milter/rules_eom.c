/*
 * rules_eom.c - the questions of the stage eom, but for who the authors are.
 */
#include "rules_parts.h"

enum answer
rule_header_size(const struct judged *judged, enum reply_id *reply UNUSED)
{
	return rule_answer(!judged->facts->header_overfull);
}
