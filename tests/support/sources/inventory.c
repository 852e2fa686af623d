/* A shop's inventory: every kind of type that C has, in memory, in parameters and in results. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum kind { TOOL = -3, FOOD, PAPER = 12 };

typedef int64_t cents;

struct size {
    float width;
    double height;
    unsigned char layers : 3;
    signed char tilt : 4;
    unsigned long long serial : 40;
};

union content {
    struct {
        uint16_t low, high;
    };
    int32_t signed_word;
    uint8_t bytes[4];
};

typedef struct item {
    char name[12];
    enum kind kind;
    struct size size;
    union content content;
    const struct item *next;
    cents price;
    _Bool sold;
    short stock[2][3];
} item_t;

typedef cents (*pricing)(const item_t *item, int count);

static item_t *first;
static unsigned made;
static const double rate = 0.19;

static cents plain_price(const item_t *item, int count)
{
    cents sum = item->price * count;
    return sum;
}

static cents reduced_price(const item_t *item, int count)
{
    cents whole = plain_price(item, count);
    double part = 1.0 - 0.05 * (count > 10 ? 10 : count);
    cents reduced = (cents)((double)whole * part);
    return reduced;
}

static pricing choose(enum kind kind)
{
    switch (kind) {
    case TOOL:
        return plain_price;
    case FOOD: {
        pricing chosen = reduced_price;
        return chosen;
    }
    default:
        return made % 2 ? plain_price : reduced_price;
    }
}

static struct size measure(int seed, float scale)
{
    struct size size = {0};
    size.width = scale * (float)seed;
    size.height = size.width / 3;
    size.layers = (unsigned)seed;
    size.tilt = (signed char)(-seed % 8);
    size.serial = 0xFFFFFFFF00ull + (unsigned)seed;
    return size;
}

static void label(char *to, size_t room, const char *word, int number)
{
    size_t length = strlen(word);
    if (length > room - 4)
        length = room - 4;
    memcpy(to, word, length);
    for (int digit = 2; digit >= 0; digit--) {
        to[length + (size_t)digit] = (char)('0' + number % 10);
        number /= 10;
    }
    to[length + 3] = 0;
}

static item_t *make(enum kind kind, int seed)
{
    static const char *words[] = {"hammer", "apple", "notebook"};
    item_t *item = calloc(1, sizeof *item);
    int which = kind == TOOL ? 0 : kind == FOOD ? 1 : 2;
    if (!item)
        return NULL;
    label(item->name, sizeof item->name, words[which], seed);
    item->kind = kind;
    item->size = measure(seed, 1.25f);
    item->content.signed_word = -seed * 65537;
    item->price = 100000000000ll + seed;
    for (int row = 0; row < 2; row++)
        for (int column = 0; column < 3; column++)
            item->stock[row][column] = (short)(row * 3 - column * seed);
    item->next = first;
    first = item;
    made++;
    return item;
}

static uint64_t hash(const void *data, size_t length)
{
    const uint8_t *at = data;
    const uint8_t *end = at + length;
    uint64_t sum = 14695981039346656037ull;
    while (at < end) {
        sum ^= *at++;
        sum *= 1099511628211ull;
    }
    return sum;
}

static int depth_of(const item_t *item)
{
    if (!item)
        return 0;
    int below = depth_of(item->next);
    return below + 1;
}

static int sort_by_price(int64_t *prices, int count)
{
    int swaps = 0;
    for (int i = 1; i < count; i++) {
        int64_t moved = prices[i];
        int j = i - 1;
        for (; j >= 0 && prices[j] > moved; j--) {
            prices[j + 1] = prices[j];
            swaps++;
        }
        prices[j + 1] = moved;
    }
    return swaps;
}

__attribute__((export_name("run"))) int run(int count)
{
    static const enum kind kinds[3] = {TOOL, FOOD, PAPER};
    int64_t prices[8] = {0};
    cents total = 0;
    double taxes = 0;
    for (int i = 0; i < count && i < 8; i++) {
        item_t *item = make(kinds[i % 3], i + 1);
        pricing price = choose(item->kind);
        prices[7 - i] = price(item, i);
        item->sold = i % 2 == 1;
        total += prices[7 - i];
        taxes += (double)prices[7 - i] * rate;
    }
    int swaps = sort_by_price(prices, 8);
    uint64_t sum = hash(prices, sizeof prices);
    int depth = depth_of(first);
    union content mixed = {.signed_word = (int32_t)sum};
    mixed.high ^= mixed.low;
    return (int)(total % 1000) + swaps + depth + mixed.bytes[3] + (int)(taxes / 1e12);
}
