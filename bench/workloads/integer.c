/* Integer work of the kinds that CoreMark times: a linked list sorted and searched, small matrices multiplied, numbers
 * told from words by a state machine, and a CRC over the results. run(n) does n turns and returns the CRC. */

#include "workload.h"

#define ITEMS 64
#define SIDE 8

struct item {
    struct item *next;
    u32 value;
};

static u32 seed;

static u32 next_number(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static u32 crc(u32 sum, u32 value)
{
    for (u32 bit = 0; bit < 16; bit++) {
        u32 carry = (sum ^ value) & 1u;
        sum >>= 1;
        value >>= 1;
        if (carry)
            sum ^= 0xA001u;
    }
    return sum;
}

static struct item *merged(struct item *left, struct item *right)
{
    struct item head = {0, 0};
    struct item *last = &head;
    while (left && right) {
        struct item **smaller = left->value <= right->value ? &left : &right;
        last->next = *smaller;
        last = *smaller;
        *smaller = last->next;
    }
    last->next = left ? left : right;
    return head.next;
}

static struct item *sorted(struct item *list)
{
    if (!list || !list->next)
        return list;
    struct item *middle = list;
    for (struct item *end = list->next; end && end->next; end = end->next->next)
        middle = middle->next;
    struct item *rest = middle->next;
    middle->next = 0;
    return merged(sorted(list), sorted(rest));
}

static u32 list_turn(void)
{
    static struct item items[ITEMS];
    for (u32 index = 0; index < ITEMS; index++) {
        items[index].next = index + 1 < ITEMS ? &items[index + 1] : 0;
        items[index].value = next_number() & 0xFFFF;
    }
    u32 sum = 0;
    for (struct item *item = sorted(items); item; item = item->next)
        sum = crc(sum, item->value);
    return sum;
}

static u32 matrix_turn(void)
{
    static int left[SIDE][SIDE], right[SIDE][SIDE];
    u32 sum = 0;
    for (u32 row = 0; row < SIDE; row++)
        for (u32 column = 0; column < SIDE; column++) {
            left[row][column] = (int)(next_number() & 0xFF) - 128;
            right[row][column] = (int)(next_number() & 0xFF) - 128;
        }
    for (u32 row = 0; row < SIDE; row++)
        for (u32 column = 0; column < SIDE; column++) {
            int product = 0;
            for (u32 index = 0; index < SIDE; index++)
                product += left[row][index] * right[index][column];
            sum += (u32)product ^ (sum << 3);
        }
    return sum;
}

enum state { START, WORD, NUMBER, FRACTION, STATES };

static u32 state_turn(void)
{
    static const char letters[] = "019.5a,z,.7q 3, ";
    u32 counts[STATES] = {0, 0, 0, 0};
    enum state state = START;
    for (u32 index = 0; index < 256; index++) {
        char letter = letters[next_number() & 15];
        int digit = letter >= '0' && letter <= '9';
        switch (state) {
        case START:
            state = digit ? NUMBER : letter >= 'a' ? WORD : START;
            break;
        case NUMBER:
            state = digit ? NUMBER : letter == '.' ? FRACTION : letter >= 'a' ? WORD : START;
            break;
        case FRACTION:
            state = digit ? FRACTION : letter >= 'a' ? WORD : START;
            break;
        default:
            state = letter == ',' || letter == ' ' ? START : WORD;
        }
        counts[state]++;
    }
    return counts[START] + (counts[WORD] << 8) + (counts[NUMBER] << 16) + (counts[FRACTION] << 24);
}

EXPORT(run) u32 run(u32 turns)
{
    u32 sum = 0xFFFFu;
    seed = 20260726u;
    while (turns--) {
        sum = crc(sum, list_turn());
        sum = crc(sum, matrix_turn());
        sum = crc(sum, state_turn());
    }
    return sum;
}
