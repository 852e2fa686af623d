/* Writes a JSON document of n records, then parses it by recursive descent: run(n) returns a digest of what was read. */

#include "workload.h"

#define MOST 4000u
#define RECORD 160u

static char text[MOST * RECORD];
static const char *at;
static const char *end;
static u64 digest;

static char *put(char *to, const char *from)
{
    while (*from)
        *to++ = *from++;
    return to;
}

static char *put_number(char *to, u32 value)
{
    char digits[10];
    u32 count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count)
        *to++ = digits[--count];
    return to;
}

static char *put_record(char *to, u32 number)
{
    to = put(put_number(put(to, "{\"id\": "), number), ", \"name\": \"item ");
    to = put(put_number(to, number * 7919u % 1000u), "\\n\\u00e9\", \"price\": ");
    to = put(put_number(put(put_number(to, number % 97u), "."), number % 100u), ", \"tags\": [\"a\", \"bc\", ");
    to = put(put_number(to, number & 15u), number & 1u ? "], \"sold\": true" : "], \"sold\": false");
    return put(to, ", \"next\": null}");
}

static void skip(void)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
        at++;
}

static int take(char character)
{
    skip();
    if (at >= end || *at != character)
        return 0;
    at++;
    return 1;
}

static int hexadecimal(u32 *value)
{
    *value = 0;
    for (u32 index = 0; index < 4; index++, at++) {
        if (at >= end)
            return 0;
        u32 digit = (u32)*at - '0';
        if (digit > 9)
            digit = ((u32)*at | 32u) - 'a' + 10;
        if (digit > 15)
            return 0;
        *value = *value * 16 + digit;
    }
    return 1;
}

static int string(void)
{
    while (at < end && *at != '"') {
        u32 character = (unsigned char)*at++;
        if (character == '\\') {
            if (at >= end)
                return 0;
            character = (unsigned char)*at++;
            if (character == 'u' && !hexadecimal(&character))
                return 0;
        }
        digest = mixed(digest, character);
    }
    return take('"');
}

static int number(void)
{
    double value = 0, place = 1;
    const char *start = at;
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (*at - '0');
    if (at < end && *at == '.')
        for (at++; at < end && *at >= '0' && *at <= '9'; at++)
            value += (*at - '0') * (place /= 10);
    digest = mixed(digest, (u64)(value * 1000));
    return at > start;
}

static int word(const char *expected)
{
    while (*expected)
        if (at >= end || *at++ != *expected++)
            return 0;
    digest = mixed(digest, (unsigned char)at[-1]);
    return 1;
}

static int value(void);

static int members(char last, int named)
{
    if (take(last))
        return 1;
    do
        if (named && !(take('"') && string() && take(':')))
            return 0;
        else if (!value())
            return 0;
    while (take(','));
    return take(last);
}

static int value(void)
{
    if (take('{'))
        return members('}', 1);
    if (take('['))
        return members(']', 0);
    if (take('"'))
        return string();
    if (at < end && *at == 't')
        return word("true");
    if (at < end && *at == 'f')
        return word("false");
    return at < end && *at == 'n' ? word("null") : number();
}

EXPORT(run) u64 run(u32 records)
{
    if (records > MOST)
        return 0;
    char *to = put(text, "[");
    for (u32 index = 0; index < records; index++)
        to = put_record(index ? put(to, ",\n") : to, index);
    end = put(to, "]");
    at = text;
    digest = 0xCBF29CE484222325ull;
    return value() && at == end ? digest : 0;
}
