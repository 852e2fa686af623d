/* A regular-expression matcher by backtracking (literals, ".", classes, "*", "+", "?", "|" and groups, compiled to a
 * small program) looks for three patterns in n bytes of generated text: run(n) returns a digest of what it found. */

#include "workload.h"

#define MOST 100000u
#define STEPS 128u

enum operation { LETTER, ANY, CLASS, SPLIT, JUMP, MATCH };

struct step {
    enum operation operation;
    u32 first, second; /* a letter, or a class's bounds, or the places to go on */
};

static struct step program[STEPS];
static u32 length;
static const char *pattern;
static char text[MOST];
static u32 size;

static void emit(enum operation operation, u32 first, u32 second)
{
    program[length++] = (struct step){operation, first, second};
}

static void insert(u32 place)
{
    for (u32 index = length++; index > place; index--) {
        program[index] = program[index - 1];
        int jumps = program[index].operation == SPLIT || program[index].operation == JUMP;
        if (jumps && program[index].first >= place)
            program[index].first++;
        if (jumps && program[index].second >= place)
            program[index].second++;
    }
}

static void alternatives(void);

static void atom(void)
{
    char letter = *pattern++;
    if (letter == '(') {
        alternatives();
        pattern++;
    } else if (letter == '[') {
        emit(CLASS, (u32)pattern[0], (u32)pattern[2]); /* [a-z] */
        pattern += 4;
    } else if (letter == '.')
        emit(ANY, 0, 0);
    else
        emit(LETTER, (u32)letter, 0);
}

static void sequence(void)
{
    while (*pattern && *pattern != '|' && *pattern != ')') {
        u32 start = length;
        atom();
        if (*pattern == '*' || *pattern == '?') {
            insert(start);
            if (*pattern == '*')
                emit(JUMP, start, 0);
            program[start] = (struct step){SPLIT, start + 1, length};
            pattern++;
        } else if (*pattern == '+') {
            emit(SPLIT, start, length + 1);
            pattern++;
        }
    }
}

static void alternatives(void)
{
    u32 start = length;
    sequence();
    if (*pattern != '|')
        return;
    pattern++;
    insert(start);
    u32 jump = length;
    emit(JUMP, 0, 0);
    program[start] = (struct step){SPLIT, start + 1, length};
    alternatives();
    program[jump].first = length;
}

/* Returns the end of the match that begins at place and goes on at a step, or 0. */
static u32 match(u32 at, u32 place)
{
    for (;;) {
        struct step step = program[at];
        switch (step.operation) {
        case MATCH:
            return place;
        case JUMP:
            at = step.first;
            continue;
        case SPLIT: {
            u32 found = match(step.first, place);
            if (found)
                return found;
            at = step.second;
            continue;
        }
        default:
            if (place >= size)
                return 0;
            u32 letter = (u32)text[place++];
            if (step.operation == LETTER && letter != step.first)
                return 0;
            if (step.operation == CLASS && (letter < step.first || letter > step.second))
                return 0;
            at++;
        }
    }
}

static u64 search(const char *expression, u64 digest)
{
    length = 0;
    pattern = expression;
    alternatives();
    emit(MATCH, 0, 0);
    for (u32 place = 0; place < size;) {
        u32 found = match(0, place);
        if (found > place) {
            digest = mixed(mixed(digest, place), found);
            place = found;
        } else
            place++;
    }
    return digest;
}

EXPORT(run) u64 run(u32 letters)
{
    static const char alphabet[] = "abcdeabcde 0123456789 abx@.-net ";
    u32 seed = 42;
    size = letters < MOST ? letters : MOST;
    for (u32 index = 0; index < size; index++) {
        seed = seed * 1664525u + 1013904223u;
        text[index] = alphabet[seed >> 27];
    }
    u64 digest = search("[a-e]+@[a-z]+", 0xCBF29CE484222325ull);
    digest = search("(ab|cd|e)+ ?[0-9]*", digest);
    return search("a.b?(c|d)*[0-9]", digest);
}
