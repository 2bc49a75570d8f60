/*
 * xml_twin: JSON of the interface as the same thing in XML, by the table of fields and nothing of
 * the server's; and the proof that an answer is the same in both.
 */
#ifndef TESTS_FAKES_XML_TWIN_H
#define TESTS_FAKES_XML_TWIN_H

#include "bridge/core/buf.h"
#include "bridge/core/cmi_fields.h"
#include "tests/fakes/probe.h"

/* Appends the XML of a JSON body or answer of that shape; an array is a collection. What is no
 * property is left out. false: it can't be said in XML (a text with a character that XML has not,
 * an array of texts, a number where a text must be, …) or is no JSON. */
bool xml_twin_of(struct view json, const struct cmi_shape *shape, struct buf *to);
/* The same of an answer, which must have every property that the table of fields says is always
 * there, none that it does not show there, each of its type and in the documented order. */
bool xml_twin_of_answer(struct view json, const struct cmi_shape *shape, struct buf *to);
/* The shape of what stands at the path below the base ("/contacts/{id}?…"); NULL: none of the
 * interface's resources, or one without representation. */
const struct cmi_shape *xml_twin_shape(const char *path);
/* Where CMIBRIDGE_RIG_XML is set, what is said in JSON (by its Content-Type) is said in XML
 * instead, if it can be: true, and appends it. */
bool xml_twin_instead(const char *path, const char *headers, const char *body, struct buf *xml);
/* probe_ask; but in XML where xml_twin_instead says so. */
struct probe_reply xml_twin_ask(unsigned port, const char *method, const char *target,
                                const char *path, const char *headers, const char *body);
/* Fails the test unless the JSON answer has such a twin. Then asks for the target (with its base)
 * in XML: that answer must be the twin. Durations that grow are not compared. headers: those of the
 * JSON request. */
void xml_twin_check(unsigned port, const char *target, const char *path, const char *headers,
                    struct view json);

#endif
